/**
 * Replacement of a node's process by the program that its file contains now, on the signal SIGUSR2.
 *
 * @module
 */

import { logger } from "../base/log.ts";
import { ownProgram, ownProgramPath } from "../base/own_program.ts";

/** Option of `serverledge start` that takes over from the running process. */
export const replaceOption = "--replace";

const log = logger("cli");

/**
 * Starts this program again, with its arguments, at each SIGUSR2. Disposing the result stops that.
 *
 * @param replaced resolves when another process has taken over
 */
export function startSuccessors(replaced: Promise<void>): Disposable {
  let isReplaced = false;
  void replaced.then(() => isReplaced = true);
  const start = () => void startSuccessor(() => isReplaced);
  Deno.addSignalListener("SIGUSR2", start);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGUSR2", start) };
}

async function startSuccessor(isReplaced: () => boolean): Promise<void> {
  const { path, args } = ownProgram();
  // The path of a program whose file was replaced ends with a remark.
  const file = path === ownProgramPath ? Deno.execPath().replace(/ \(deleted\)$/, "") : path;
  const own = Deno.args.filter((arg) => arg !== replaceOption);
  log.info("Starting {file} to take over", { file });
  try {
    const command = new Deno.Command(file, {
      args: [...args, ...own, replaceOption],
      stdin: "null",
    });
    const { code, signal } = await command.spawn().status;
    if (isReplaced()) return;
    log.error("The new process ended ({status}), so this one goes on", { status: signal ?? code });
  } catch (error) {
    log.error("Cannot start {file}: {reason}", { file, reason: (error as Error).message });
  }
}

/**
 * Tells systemd that this process is now the main process of the service.
 *
 * @param env environment of this process
 */
export async function tellServiceManager(env: Readonly<Record<string, string>>): Promise<void> {
  if (!env.NOTIFY_SOCKET) return;
  try {
    // systemd-notify (1)
    const args = [`MAINPID=${Deno.pid}`];
    const { success } = await new Deno.Command("systemd-notify", { args, stdin: "null" }).output();
    if (!success) log.error("systemd does not accept this process as the service's main process");
  } catch (error) {
    log.error("Cannot tell systemd about this process: {reason}", {
      reason: (error as Error).message,
    });
  }
}

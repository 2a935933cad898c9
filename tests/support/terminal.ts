/**
 * Commands at a terminal.
 *
 * @module
 */

import { cleanEnv } from "./process.ts";

/** Runs a command at a terminal, types a text once it has printed a prompt, and returns all that was shown. */
export async function typed(
  command: string,
  env: Record<string, string>,
  prompt: string,
  keys: string,
): Promise<{ shown: string; code: number }> {
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", command, "/dev/null"],
    clearEnv: true,
    env: { ...cleanEnv(), ...env },
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(30_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  let shown = "";
  let isTyped = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    if (isTyped || !shown.includes(prompt)) continue;
    isTyped = true;
    await writer.write(new TextEncoder().encode(keys));
  }
  await writer.close().catch(() => {});
  const { code } = await child.status;
  return { shown, code };
}

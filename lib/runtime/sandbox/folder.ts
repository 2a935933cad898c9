/**
 * Folder of the sandboxes of a node, which their user can enter, and the program that they run.
 *
 * The folder is not below `data.dir`, which stays closed to every other user: it is a temporary one
 * with a name that nobody can guess, which can be entered but not listed.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { checkSocketPath } from "../wire/endpoint.ts";

/** `nobody`: owns nothing. Other users than root cannot change the user of a process. */
const unprivileged = 65534;

/** This program, whatever happens to its file. */
const ownProgram = "/proc/self/exe";

const log = logger("runtime");

/** How a process of a sandbox is started. */
export interface Program {
  /** What is run. */
  readonly path: string;
  /** Arguments before its own. */
  readonly args: readonly string[];
  /** User and group that it runs as; undefined for the node's own. */
  readonly user: number | undefined;
}

/** Folder and program of sandboxes. */
export class SandboxFolder implements AsyncDisposable {
  private constructor(
    /** The folder's absolute path. */
    readonly path: string,
    /** What sandboxes run. */
    readonly program: Program,
  ) {}

  /**
   * Makes the folder; removes the one that a crashed predecessor left.
   *
   * @param runDir a private folder of the node, where the folder's name is kept
   * @param launcher what starts that (`sandbox.launcher`); empty: the system
   * @param program what sandboxes run; this program by default
   */
  static async open(runDir: string, launcher: string, program?: Program): Promise<SandboxFolder> {
    await Deno.mkdir(runDir, { recursive: true, mode: 0o700 });
    const pointer = join(runDir, "sandbox-folder");
    const former = await Deno.readTextFile(pointer).catch(() => "");
    if (/\/serverledge-sandbox-[^/]+$/.test(former)) await removeAll(former);
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "serverledge-sandbox-" }));
    await Deno.writeTextFile(pointer, folder, { mode: 0o600 });
    await Deno.chmod(folder, 0o711);
    checkSocketPath(socketIn(folder));
    const own = program ?? await findProgram(folder);
    return new SandboxFolder(folder, launcher ? launched(launcher, own) : own);
  }

  /** Creates a path for a socket, which no sandbox can guess. */
  newSocket(): string {
    return socketIn(this.path);
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeAll(this.path);
  }
}

/** Its name is short, since the path of a socket is bounded; who connects has to know a token too. */
function socketIn(folder: string): string {
  return join(folder, randomId(12));
}

async function removeAll(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return;
    log.warn("Cannot remove {folder}: {error}", { folder, error: String(error) });
  });
}

async function findProgram(folder: string): Promise<Program> {
  const user = Deno.uid() === 0 ? unprivileged : undefined;
  if (!Deno.build.standalone) {
    // From sources, for development: Deno's cache and the sources belong to this user.
    const main = new URL("../../../main.ts", import.meta.url).pathname;
    return { path: Deno.execPath(), args: ["run", "-A", "--no-prompt", main], user: undefined };
  }
  if (user === undefined || await isOpen(Deno.execPath())) {
    // This is the running program, whatever happens to its file.
    return { path: ownProgram, args: [], user };
  }
  const copy = join(folder, "serverledge");
  log.warn(
    "Sandboxes run a copy of the program in {folder}: only its owner can read {program}",
    { folder, program: Deno.execPath() },
  );
  await Deno.copyFile(Deno.execPath(), copy);
  await Deno.chmod(copy, 0o755);
  return { path: copy, args: [], user };
}

/** Returns the launcher's command line; it cannot use the name by which this program knows itself. */
function launched(launcher: string, { path, args, user }: Program): Program {
  const [command, ...before] = launcher.trim().split(/\s+/);
  const program = path === ownProgram ? Deno.execPath() : path;
  return { path: command!, args: [...before, program, ...args], user };
}

/** Tells whether every user can run a file, which has to open itself to find its code. */
async function isOpen(path: string): Promise<boolean> {
  const bits = async (path: string) => (await Deno.stat(path)).mode ?? 0;
  if ((await bits(path) & 0o005) !== 0o005) return false;
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if ((await bits(folder) & 0o001) === 0) return false;
  }
  return true;
}

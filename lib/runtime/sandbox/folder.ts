/**
 * Folder that the user of a node's sandboxes can enter, and the program that sandboxes run.
 *
 * The folder is not below `data.dir`, which stays closed to other users. It is a temporary folder with a name
 * that cannot be guessed. Other users can enter but not list it.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { ownProgram, ownProgramPath } from "../../base/own_program.ts";
import { checkSocketPath } from "../wire/endpoint.ts";

/** Id of the user `nobody`, who owns no files. Only root can change the user of a process. */
const unprivileged = 65534;

const log = logger("runtime");

/** Command line and user of a sandbox's process. */
export interface Program {
  /** Path of the executable. */
  readonly path: string;
  /** Arguments that precede the sandbox's own. */
  readonly args: readonly string[];
  /** Id of the user and group of the process; undefined for the node's own. */
  readonly user: number | undefined;
}

/** Options of the folder. */
export interface FolderOptions {
  /** Command line that starts the program (`sandbox.launcher`); empty for none. */
  readonly launcher: string;
  /** Program that sandboxes run; by default this one. */
  readonly program?: Program | undefined;
  /** Resolves when an earlier process of the node has ended, if it is still running. */
  readonly formerEnded?: Promise<void> | undefined;
}

/** Folder and program of sandboxes. */
export class SandboxFolder implements AsyncDisposable {
  private constructor(
    /** Absolute path of the folder. */
    readonly path: string,
    /** Program that sandboxes run. */
    readonly program: Program,
  ) {}

  /**
   * Creates the folder. Removes the folder of a crashed predecessor.
   *
   * @param runDir private folder of the node, which stores the names of the folders of its processes
   */
  static async open(
    runDir: string,
    { launcher, program, formerEnded }: FolderOptions,
  ): Promise<SandboxFolder> {
    await Deno.mkdir(runDir, { recursive: true, mode: 0o700 });
    const pointer = join(runDir, "sandbox-folder");
    const formers = (await Deno.readTextFile(pointer).catch(() => "")).split("\n")
      .filter((path) => /\/serverledge-sandbox-[^/]+$/.test(path));
    const removeFormers = async () => void await Promise.all(formers.map(removeAll));
    if (!formerEnded) await removeFormers();
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "serverledge-sandbox-" }));
    const point = (paths: readonly string[]) =>
      Deno.writeTextFile(pointer, paths.join("\n"), { mode: 0o600 });
    await point(formerEnded ? [...formers, folder] : [folder]);
    void formerEnded?.then(removeFormers).then(() => point([folder]));
    await Deno.chmod(folder, 0o711);
    checkSocketPath(socketIn(folder));
    const own = program ?? await findProgram(folder);
    return new SandboxFolder(folder, launcher ? launched(launcher, own) : own);
  }

  /** Creates a path for a socket. No sandbox can guess it. */
  newSocket(): string {
    return socketIn(this.path);
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeAll(this.path);
  }
}

/**
 * Creates the path of a socket. The name is short because the length of the path is limited. Clients also
 * have to know a token.
 */
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
    // A program that runs from sources, for development, needs Deno's cache and the sources, which belong to
    // this user.
    return { ...ownProgram(), user: undefined };
  }
  if (user === undefined || await isOpen(Deno.execPath())) {
    return { ...ownProgram(), user };
  }
  const copy = join(folder, "serverledge");
  log.warn(
    "Sandboxes run a copy of the program in {folder}, because only its owner can read {program}",
    { folder, program: Deno.execPath() },
  );
  await Deno.copyFile(Deno.execPath(), copy);
  await Deno.chmod(copy, 0o755);
  return { path: copy, args: [], user };
}

/**
 * Returns the command line with the launcher. The launcher cannot use `/proc/self/exe`, which names the
 * launcher itself.
 */
function launched(launcher: string, { path, args, user }: Program): Program {
  const [command, ...before] = launcher.trim().split(/\s+/);
  const program = path === ownProgramPath ? Deno.execPath() : path;
  return { path: command!, args: [...before, program, ...args], user };
}

/**
 * Reports whether every user can read and run a file. The program has to open its own file to find its code.
 */
async function isOpen(path: string): Promise<boolean> {
  const bits = async (path: string) => (await Deno.stat(path)).mode ?? 0;
  if ((await bits(path) & 0o005) !== 0o005) return false;
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if ((await bits(folder) & 0o001) === 0) return false;
  }
  return true;
}

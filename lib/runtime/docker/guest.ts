/**
 * What the node puts into containers: a folder for each, in which the programs that run there are
 * links, beside the socket over which the node and the container talk.
 *
 * @module
 */

import { join } from "node:path";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import type { ContainerExecutor } from "../../model/runtimes.ts";
import javascript from "../executors/executor.js" with { type: "text" };
import python from "../executors/executor.py" with { type: "text" };
import { checkSocketPath } from "../wire/endpoint.ts";
import { nativePrograms } from "./native/programs.ts";

/** Where containers see their folder. */
export const guestMount = "/serverledge";
/** Name of the socket in it. */
export const socketName = "node.sock";

/** Executors by the file names that they have in containers. */
const executors: Readonly<Record<string, string>> = {
  "executor.py": python,
  "executor.js": javascript,
};

/** How the interpreters are called, and with which options of process 1. */
const interpreters: Readonly<
  Record<ContainerExecutor, readonly [command: string, file: string, init: readonly string[]]>
> = {
  // -B: the root is read-only, there is no use in trying to cache compiled modules; -u: what is written to
  // sys.__stdout__ stays in no buffer.
  python: ["python3 -B -u", "executor.py", ["-p"]],
  nodejs: ["node", "executor.js", []],
};

/**
 * Command line of an executor, below a process 1 that reaps orphans.
 *
 * @param executor which one
 * @param options of its interpreter
 */
export function executorCommand(
  executor: ContainerExecutor,
  options: readonly string[] = [],
): string[] {
  const [command, file, init] = interpreters[executor];
  return [
    `${guestMount}/init`,
    ...init,
    ...command.split(" "),
    ...options,
    `${guestMount}/${file}`,
  ];
}

/** The folder of one container. Disposing it removes it. */
export class GuestFolder implements Disposable {
  /**
   * A folder that is there.
   *
   * @param path its absolute path on the host
   */
  constructor(readonly path: string) {}

  /** Path of the socket on the host. */
  get socket(): string {
    return join(this.path, socketName);
  }

  /** Removes it. */
  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Makes the folders of containers. */
export class Guest {
  readonly #programs: string;
  readonly #folders: string;

  private constructor(programs: string, folders: string) {
    this.#programs = programs;
    this.#folders = folders;
  }

  /**
   * Writes the programs, and removes the folders that a predecessor left.
   *
   * @param runDir a folder of the node's own; it is made private
   * @throws `CONFIG_INVALID` where its path is too long for sockets in it
   */
  static async install(runDir: string): Promise<Guest> {
    await Deno.mkdir(runDir, { recursive: true, mode: 0o700 });
    await Deno.chmod(runDir, 0o700);
    const base = await Deno.realPath(runDir);
    const programs = await emptyFolder(join(base, "programs"));
    for (const [name, text] of Object.entries(executors)) {
      await write(join(programs, name), new TextEncoder().encode(text), 0o644);
    }
    for (const [name, text] of Object.entries(nativePrograms)) {
      await write(join(programs, name), Uint8Array.fromBase64(text), 0o755);
    }
    const folders = await emptyFolder(join(base, "guests"));
    checkSocketPath(newFolder(folders).socket);
    return new Guest(programs, folders);
  }

  /**
   * The folder of a container that runs an executor, which may not write to it.
   *
   * @param executor which one
   * @param architecture of the engine
   */
  forExecutor(executor: ContainerExecutor, architecture: string): GuestFolder {
    const [, file] = interpreters[executor];
    return this.#make(0o755, { [file]: file, init: native("init", architecture) });
  }

  /**
   * The folder of a relay, which makes its socket there.
   *
   * @param architecture of the engine
   */
  forRelay(architecture: string): GuestFolder {
    return this.#make(0o777, { relay: native("relay", architecture) });
  }

  /** Makes a folder with links to programs, in some 100 µs: synchronously, that is the quickest. */
  #make(mode: number, links: Readonly<Record<string, string>>): GuestFolder {
    const folder = newFolder(this.#folders);
    Deno.mkdirSync(folder.path);
    // Containers run as another user; the folder above keeps other users of the host out.
    Deno.chmodSync(folder.path, mode);
    for (const [name, program] of Object.entries(links)) {
      Deno.linkSync(join(this.#programs, program), join(folder.path, name));
    }
    return folder;
  }
}

/** A folder that is to be made; its name is short, since the path of a socket is bounded. */
function newFolder(parent: string): GuestFolder {
  return new GuestFolder(join(parent, randomId(10)));
}

/** Name of a program of {@link nativePrograms}. */
function native(program: "init" | "relay", architecture: string): string {
  const name = `${program}-${architecture}`;
  if (Object.hasOwn(nativePrograms, name)) return name;
  throw new ServerledgeError(
    "INSTANCE_START_FAILED",
    `Docker runs on the architecture ${architecture}: containers need amd64 or arm64`,
  );
}

async function write(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await Deno.writeFile(path, bytes);
  await Deno.chmod(path, mode);
}

async function emptyFolder(path: string): Promise<string> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(path);
  return path;
}

/**
 * Mounts of containers. Each container has a folder with links to the programs that run in it, and with
 * the socket between the node and the container.
 *
 * @module
 */

import { join } from "node:path";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import type { Kind } from "../kinds/kind.ts";
import { type ContainerExecutor, kinds } from "../kinds/kinds.ts";
import { checkSocketPath } from "../wire/endpoint.ts";
import { nativePrograms } from "./native/programs.ts";

/** Path of the folder in containers. */
export const executorMountPath = "/serverledge";
/** Name of the socket in the folder. */
export const socketName = "node.sock";

/**
 * Returns the command line of an executor, as a child of a process 1 that reaps orphans.
 *
 * @param how options of its interpreter, and path of the file with its secret variables
 */
export function executorCommand(
  executor: ContainerExecutor,
  how: { readonly options?: readonly string[]; readonly variables?: string | undefined } = {},
): string[] {
  const { options = [], variables } = how;
  const { command, file, init } = kinds[executor].program;
  return [
    `${executorMountPath}/init`,
    ...init,
    ...(variables === undefined ? [] : ["-e", variables]),
    ...command,
    ...options,
    `${executorMountPath}/${file}`,
  ];
}

/** Folder of one container. Disposing it removes it. */
export class ExecutorMount implements Disposable {
  /**
   * Wraps a folder that exists.
   *
   * @param path absolute path on the host
   */
  constructor(readonly path: string) {}

  /** Path of the socket on the host. */
  get socket(): string {
    return join(this.path, socketName);
  }

  /** Removes the folder. */
  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.path, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Factory of the folders of containers. */
export class ExecutorMounts {
  readonly #programs: string;
  readonly #folders: string;

  private constructor(programs: string, folders: string) {
    this.#programs = programs;
    this.#folders = folders;
  }

  /**
   * Writes the programs and removes the folders of an earlier process.
   *
   * @param runDir folder that only this node uses; only its user may enter it afterwards
   * @param formerEnded resolves when the earlier process has ended, if it is still running
   * @throws `CONFIG_INVALID` if its path is too long for sockets in it
   */
  static async install(runDir: string, formerEnded?: Promise<void>): Promise<ExecutorMounts> {
    await Deno.mkdir(runDir, { recursive: true, mode: 0o700 });
    await Deno.chmod(runDir, 0o700);
    const base = await Deno.realPath(runDir);
    const programs = await ownFolder(join(base, "programs"), formerEnded);
    for (const kind of Object.values<Kind>(kinds)) {
      const program = kind.place === "container" ? kind.program : undefined;
      if (!program?.text) continue;
      const text = new TextEncoder().encode(await program.text());
      await write(join(programs, program.file), text, 0o644);
    }
    for (const [name, text] of Object.entries(nativePrograms)) {
      await write(join(programs, name), Uint8Array.fromBase64(text), 0o755);
    }
    const folders = await ownFolder(join(base, "guests"), formerEnded);
    checkSocketPath(newFolder(folders).socket);
    return new ExecutorMounts(programs, folders);
  }

  /** Creates the folder of a container that runs an executor. The container may not write to it. */
  forExecutor(executor: ContainerExecutor, architecture: string): ExecutorMount {
    const { file, text } = kinds[executor].program;
    const program = text ? file : native(file, architecture);
    return this.#make(0o755, { [file]: program, init: native("init", architecture) });
  }

  /** Creates the folder of a relay, in which the relay creates its socket. */
  forRelay(architecture: string): ExecutorMount {
    return this.#make(0o777, { relay: native("relay", architecture) });
  }

  /**
   * Creates the folder of a fence, in which its program creates its socket.
   *
   * @param files files for the program by name
   */
  forFence(architecture: string, files: Readonly<Record<string, Uint8Array>>): ExecutorMount {
    const folder = this.#make(0o777, { fence: native("fence", architecture) });
    for (const [name, bytes] of Object.entries(files)) {
      Deno.writeFileSync(join(folder.path, name), bytes, { mode: 0o644 });
    }
    return folder;
  }

  /** Creates a folder with links to programs, synchronously, which is fastest (some 100 µs). */
  #make(mode: number, links: Readonly<Record<string, string>>): ExecutorMount {
    const folder = newFolder(this.#folders);
    Deno.mkdirSync(folder.path);
    // Containers run as another user. The parent folder keeps out other users of the host.
    Deno.chmodSync(folder.path, mode);
    for (const [name, program] of Object.entries(links)) {
      Deno.linkSync(join(this.#programs, program), join(folder.path, name));
    }
    return folder;
  }
}

/** Returns the path of a new folder. Its name is short, because the length of a socket's path is limited. */
function newFolder(parent: string): ExecutorMount {
  return new ExecutorMount(join(parent, randomId(10)));
}

/** Returns the name of a program of {@link nativePrograms}. */
function native(program: string, architecture: string): string {
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

/**
 * Creates a folder of this process, and removes those of earlier processes.
 *
 * @param parent path of the folder that contains the folders of all processes of the node
 * @param formerEnded resolves when the earlier process has ended, if it is still running
 */
export async function ownFolder(parent: string, formerEnded?: Promise<void>): Promise<string> {
  await Deno.mkdir(parent, { recursive: true });
  const own = randomId(6);
  const removeOthers = async () => {
    for (const { name } of Deno.readDirSync(parent)) {
      if (name !== own) await Deno.remove(join(parent, name), { recursive: true }).catch(() => {});
    }
  };
  if (formerEnded) void formerEnded.then(removeOthers);
  else await removeOthers();
  const path = join(parent, own);
  await Deno.mkdir(path);
  return path;
}

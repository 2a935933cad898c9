/**
 * Secrets of containers. They are files in the machine's memory (tmpfs), mounted read-only: neither the
 * configuration of a container nor a disk has them.
 *
 * @module
 */

import { join } from "node:path";
import { ServerledgeError } from "../../base/errors.ts";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { fileProblem } from "../../base/text_file.ts";
import type { FunctionRecord } from "../../model/function.ts";
import { secretFolder } from "../../model/secret_reference.ts";
import type { InstanceSecrets, SecretSource } from "../../secrets/instance_secrets.ts";

/** Memory-backed file system of every Linux machine. */
const memoryFolder = "/dev/shm";
const prefix = "serverledge-secrets-";

const log = logger("runtime");

/** File with the variables of an instance, which exists until its executor has started. */
const variablesFile = ".variables";

/** Folder with the secrets of one container. Disposing it removes it. */
export class SecretMount implements Disposable {
  /**
   * Wraps a folder that exists.
   *
   * @param path absolute path on the host
   * @param variablesFile name of the file for process 1; undefined if there are no variables
   */
  constructor(readonly path: string, readonly variablesFile: string | undefined) {}

  /** Removes the variables, which the executor has read. */
  removeVariables(): void {
    if (this.variablesFile) Deno.removeSync(join(this.path, this.variablesFile));
  }

  /** Removes the folder. */
  [Symbol.dispose](): void {
    removeFolder(this.path);
  }
}

/** Factory of the folders with secrets. */
export class SecretMounts implements Disposable {
  /** Folder on disk with the names of the folders in memory. */
  readonly #names: string;
  /** Name of this process's folder, once it exists. */
  #own: string | undefined;

  /**
   * Removes what earlier processes of the node have left.
   *
   * @param runDir private folder of the node
   * @param formerEnded resolves when the process that this one takes over from has ended, if there is one
   */
  constructor(runDir: string, formerEnded?: Promise<void>) {
    this.#names = join(runDir, "secrets");
    Deno.mkdirSync(this.#names, { recursive: true });
    if (formerEnded) void formerEnded.then(() => this.#removeOthers());
    else this.#removeOthers();
  }

  /**
   * Writes the secrets of an instance.
   *
   * @throws `INSTANCE_START_FAILED` if there is no file system in memory, or it is full
   */
  write(secrets: InstanceSecrets): SecretMount {
    try {
      return this.#write(secrets);
    } catch (error) {
      throw new ServerledgeError(
        "INSTANCE_START_FAILED",
        `Containers cannot have secrets on this node: cannot write them to ${memoryFolder}: ` +
          fileProblem(error),
      );
    }
  }

  /** Removes the secrets of this process. */
  [Symbol.dispose](): void {
    if (this.#own !== undefined) this.#remove(this.#own);
  }

  #write({ variables, files }: InstanceSecrets): SecretMount {
    // systemd removes a user's files in memory when the last session ends (RemoveIPC).
    if (this.#own === undefined || !isOwn(join(memoryFolder, this.#own))) {
      this.#own = this.#create();
    }
    // Containers run as other users. The parent folder keeps out other users of the host.
    const path = join(memoryFolder, this.#own, randomId(10));
    Deno.mkdirSync(path);
    using stack = new DisposableStack();
    stack.defer(() => removeFolder(path));
    Deno.chmodSync(path, 0o755);
    for (const [name, value] of Object.entries(files)) write(join(path, name), value);
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\0`);
    const environment = lines.join("");
    if (environment !== "") write(join(path, variablesFile), new TextEncoder().encode(environment));
    stack.move();
    return new SecretMount(path, environment === "" ? undefined : variablesFile);
  }

  #create(): string {
    const mounts = Deno.readTextFileSync("/proc/self/mounts").split("\n");
    if (!mounts.some((line) => line.split(" ").slice(1, 3).join(" ") === `${memoryFolder} tmpfs`)) {
      throw new Error("it must be a tmpfs");
    }
    const name = prefix + randomId();
    // The name comes first, so that the next process finds the folder even if this one is killed here.
    Deno.writeTextFileSync(join(this.#names, name), "");
    Deno.mkdirSync(join(memoryFolder, name), { mode: 0o700 });
    return name;
  }

  #removeOthers(): void {
    for (const { name } of Deno.readDirSync(this.#names)) {
      if (name !== this.#own && name.startsWith(prefix)) this.#remove(name);
    }
  }

  #remove(name: string): void {
    removeFolder(join(memoryFolder, name));
    removeFolder(join(this.#names, name));
  }
}

/** Source of the secrets of containers, and where they are put. */
export interface ContainerSecrets {
  readonly source: SecretSource;
  readonly mounts: SecretMounts;
}

/** Secrets of a container that is to be created. */
export interface MountedSecrets {
  readonly mount: SecretMount;
  /** Folder of the host by its path in the container. */
  readonly folders: Readonly<Record<string, string>>;
  /** Path of the file with the variables in the container; undefined if there are none. */
  readonly variables: string | undefined;
}

/**
 * Decrypts and writes the secrets of an instance.
 *
 * @param stack removes them with the container
 * @returns undefined if the function has none
 * @throws `INSTANCE_START_FAILED`
 */
export async function secretMount(
  { secrets: { source, mounts } }: { readonly secrets: ContainerSecrets },
  fn: FunctionRecord,
  stack: AsyncDisposableStack,
): Promise<MountedSecrets | undefined> {
  const secrets = await source.forInstance(fn);
  if (!secrets) return undefined;
  const mount = stack.use(mounts.write(secrets));
  return {
    mount,
    folders: { [secretFolder]: mount.path },
    variables: mount.variablesFile && `${secretFolder}/${mount.variablesFile}`,
  };
}

function write(path: string, bytes: Uint8Array): void {
  Deno.writeFileSync(path, bytes, { createNew: true });
  Deno.chmodSync(path, 0o444);
}

/** Returns whether a path is a folder of this process's user, whom nobody else can imitate. */
function isOwn(path: string): boolean {
  try {
    const { isDirectory, uid } = Deno.lstatSync(path);
    return isDirectory && uid === Deno.uid();
  } catch {
    return false;
  }
}

function removeFolder(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.error("Cannot remove the secrets in {path}: {error}", { path, error: String(error) });
  }
}

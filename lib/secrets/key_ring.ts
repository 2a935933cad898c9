/**
 * Keys that encrypt the secrets of a cluster, from a file or the configuration.
 *
 * @module
 */

import { dirname } from "node:path";
import { SharedTasks } from "../base/async.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import { logger } from "../base/log.ts";
import { fileProblem } from "../base/text_file.ts";
import { keyBytes, seal, type Sealed, type SecretKey, secretKey, unseal } from "./cipher.ts";

/** A key in base64. */
const keyForm = /^[A-Za-z0-9+/]{43}=$/;
/** Bits of a file's mode that give rights to others than its owner. */
const othersMode = 0o077;
/** Maximum number of keys. */
const maxKeys = 16;

/** Where keys come from. */
export interface KeyRingOptions {
  /** Value of `secrets.key`: the path of a key file, or keys themselves; empty: {@link file}. */
  readonly setting: string;
  /** Path of the key file in the node's data folder. */
  readonly file: string;
  /** True if the file may be created, because no other node needs the same key. */
  readonly mayCreate: boolean;
}

/** Decrypted value, or why there is none. */
export type Unsealed =
  | { readonly value: Uint8Array<ArrayBuffer> }
  | { readonly problem: string };

/**
 * The keys of a node: the first one encrypts, all decrypt. They are read when they are needed, which is
 * at the start of an instance with secrets, so a changed file needs no restart.
 */
export class KeyRing {
  readonly #options: KeyRingOptions;
  /** Creation of the file, which requests at the same time share. */
  readonly #creation = new SharedTasks<SecretKey>();
  #knownIds: ReadonlySet<string> = new Set();

  /** Creates a ring without reading the keys. */
  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** Ids of the keys when they were read last; empty if they could not be used. */
  get knownIds(): ReadonlySet<string> {
    return this.#knownIds;
  }

  /**
   * Returns the keys, the one that encrypts first; empty if there is no key file in the data folder.
   *
   * @throws `CONFIG_INVALID` if the keys cannot be used
   */
  async keys(): Promise<SecretKey[]> {
    try {
      const keys = await this.#read();
      this.#knownIds = new Set(keys.map(({ id }) => id));
      return keys;
    } catch (error) {
      this.#knownIds = new Set();
      throw error;
    }
  }

  async #read(): Promise<SecretKey[]> {
    const { setting, file } = this.#options;
    const listed = setting.split(/[\s,]+/);
    if (listed.every((text) => keyForm.test(text))) return await parsed(listed, "secrets.key");
    const text = await readKeyFile(setting || file, setting === "");
    return text === undefined ? [] : await parsed(lines(text), setting || file);
  }

  /**
   * Encrypts a value.
   *
   * @param name name of the secret, which the ciphertext is bound to
   * @throws `CONFIG_INVALID` if there is no key
   */
  async seal(name: string, value: Uint8Array<ArrayBuffer>): Promise<Sealed> {
    return await seal(await this.encrypting(), name, value);
  }

  /** Decrypts a value, or returns why that is impossible. */
  async unseal(name: string, sealed: Sealed): Promise<Unsealed> {
    try {
      const keys = await this.keys();
      const key = keys.find(({ id }) => id === sealed.keyId);
      if (!key) {
        const known = keys.map(({ id }) => id).join(", ") || "none";
        return {
          problem: `it is encrypted with the key ${sealed.keyId}, but this node has ${known} ` +
            "(secrets.key)",
        };
      }
      const value = await unseal(key, name, sealed);
      return value ? { value } : { problem: "its record in the registry was damaged or changed" };
    } catch (error) {
      return { problem: asServerledgeError(error).message };
    }
  }

  /**
   * Returns the key that encrypts. Creates the first one if the registry is this node's own.
   *
   * @throws `CONFIG_INVALID` if there is none, or it cannot be used
   */
  async encrypting(): Promise<SecretKey> {
    const [first] = await this.keys();
    return first ?? await this.#creation.run("first", () => this.#create());
  }

  async #create(): Promise<SecretKey> {
    const { file, mayCreate } = this.#options;
    const [existing] = await this.keys();
    if (existing) return existing;
    if (!mayCreate) {
      throw problem(
        "this node has no key that encrypts secrets, and all nodes of a cluster need the same one: " +
          "create it with serverledge secrets key create FILE, copy the file to all nodes, and " +
          "name it in secrets.key",
      );
    }
    await createKeyFile(file);
    logger("secrets").info(
      "Created {file} with the key that encrypts secrets; without a copy of it, no backup of them can be used",
      { file },
    );
    return (await this.keys())[0]!;
  }
}

/**
 * Creates a file with a new key that only its owner can read.
 *
 * @returns the id of the key
 * @throws `CONFIG_INVALID` if the file exists or cannot be written
 */
export async function createKeyFile(path: string): Promise<string> {
  const { id, text } = await newKey();
  try {
    await writeDurably(path, text, (temporary) => Deno.link(temporary, path));
  } catch (error) {
    const why = error instanceof Deno.errors.AlreadyExists
      ? "it exists: add a key to it with --add"
      : fileProblem(error);
    throw problem(`cannot create ${path}: ${why}`);
  }
  return id;
}

/**
 * Adds a new key to a file, as the one that encrypts. The others still decrypt, and the file keeps its owner.
 *
 * @returns the id of the new key
 * @throws `CONFIG_INVALID` if the file is no key file or cannot be written
 */
export async function addKey(path: string): Promise<string> {
  const former = await readKeyFile(path, false) ?? "";
  const { id, text } = await newKey();
  await parsed(lines(former), path);
  await parsed(lines(text + former), `${path} with the new key`);
  try {
    const target = await Deno.realPath(path);
    const { uid, gid } = await Deno.stat(target);
    await writeDurably(target, text + former, async (temporary) => {
      // An administrator may add a key for the user of the node.
      if (uid !== Deno.uid()) await Deno.chown(temporary, uid, gid);
      await Deno.rename(temporary, target);
    });
  } catch (error) {
    throw problem(`cannot write ${path}: ${fileProblem(error)}`);
  }
  return id;
}

/**
 * Writes a key file completely before it gets its name: readers and a crash never meet a part of it.
 *
 * @param install gives the temporary file, which only its owner can read, the name
 */
async function writeDurably(
  path: string,
  text: string,
  install: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${randomId(12)}`;
  try {
    await Deno.writeTextFile(temporary, text, { createNew: true, mode: 0o600 });
    await sync(temporary);
    await install(temporary);
    await sync(dirname(path));
  } finally {
    await Deno.remove(temporary).catch(() => {}); // It was renamed.
  }
}

async function sync(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

async function newKey(): Promise<{ id: string; text: string }> {
  const bytes = crypto.getRandomValues(new Uint8Array(keyBytes));
  const { id } = await secretKey(bytes);
  const since = new Date().toISOString().slice(0, 10);
  return { id, text: `# serverledge secrets key ${id}, ${since}\n${bytes.toBase64()}\n` };
}

/** @returns undefined if the file does not exist and need not */
async function readKeyFile(path: string, isOptional: boolean): Promise<string | undefined> {
  try {
    const { mode, isFile } = await Deno.stat(path);
    if (!isFile) throw problem(`${path} is no file`);
    if (((mode ?? 0) & othersMode) !== 0) {
      const shown = ((mode ?? 0) & 0o777).toString(8);
      throw problem(
        `other users may read ${path} (mode ${shown}): create a new key, because this one may be known, or ` +
          `run chmod 600 ${path}`,
      );
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    if (isOptional && error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof ServerledgeError) throw error;
    throw problem(`cannot read ${path}: ${fileProblem(error)}`);
  }
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) =>
    line !== "" && !line.startsWith("#")
  );
}

async function parsed(texts: readonly string[], origin: string): Promise<SecretKey[]> {
  if (texts.length === 0 || texts.length > maxKeys) {
    throw problem(`${origin} has ${texts.length} keys instead of 1 to ${maxKeys}`);
  }
  const bad = texts.findIndex((text) => !keyForm.test(text));
  if (bad >= 0) {
    // The line is not shown, because most of it may be a key.
    throw problem(`key ${bad + 1} of ${origin} is not ${keyBytes} bytes in base64`);
  }
  return await Promise.all(texts.map((text) => secretKey(Uint8Array.fromBase64(text))));
}

function problem(what: string): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", `secrets.key: ${what}`, {
    details: { path: "secrets.key" },
  });
}

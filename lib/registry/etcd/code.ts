/**
 * Code in etcd, stored as chunks and a manifest. The manifest is written last: code with a manifest is
 * complete.
 *
 * @module
 */

import * as v from "valibot";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { readChunks, writeChunks } from "./chunks.ts";
import type { EtcdClient } from "./client/client.ts";
import { codeFolder, codePrefix, functionsPrefix, pinKey, pinsOf } from "./keys.ts";
import type { SharedLeases } from "./client/leases.ts";
import { noneBelow, removeBelow, unwrittenSince } from "./client/requests.ts";
import { pinMs, Pins } from "../pins.ts";
import { parseRecord, readRecord } from "../records.ts";

/** Schema of the code's hash in a function's record, of which other fields may be damaged. */
const referenceSchema = v.object({ CodeHash: v.string() });
const manifestSchema = v.object({ bytes: v.pipe(v.number(), v.integer(), v.minValue(0)) });

/** Stores code in etcd. */
export class EtcdCode {
  readonly #client: EtcdClient;
  readonly #leases: SharedLeases;
  /** Keys of this process's pins. */
  readonly #pins: Pins<string>;

  /**
   * Creates a store that holds no pins.
   *
   * @param client calls etcd
   * @param leases grants the leases of pins
   * @param now monotonic time, ms
   */
  constructor(client: EtcdClient, leases: SharedLeases, now: () => number) {
    this.#client = client;
    this.#leases = leases;
    this.#pins = new Pins(now);
  }

  /** Stores code, and protects it from being collected until its function is stored. */
  async put(hash: string, code: Uint8Array): Promise<void> {
    const pin = pinKey(hash, randomId());
    // The code is pinned before the check for its presence: no node collects code that is present then.
    await this.#leases.use(pinMs, (lease) => this.#client.put(pin, "", lease));
    this.#pins.add(hash, pin);
    await this.restore(hash, () => Promise.resolve(code));
  }

  /**
   * Stores code if it is missing.
   *
   * @param recover returns the code; called only if it is missing
   * @returns false if the code is missing and cannot be recovered
   */
  async restore(
    hash: string,
    recover: () => Promise<Uint8Array | undefined>,
  ): Promise<boolean> {
    if (await this.#client.get(manifestKey(hash))) return true;
    const code = await recover();
    if (!code) return false;
    await writeChunks(this.#client, codeFolder(hash), code);
    await this.#client.put(manifestKey(hash), JSON.stringify({ bytes: code.length }));
    return true;
  }

  /** Returns the code with a hash; undefined if it is missing or incomplete. */
  async get(hash: string): Promise<Uint8Array | undefined> {
    const stored = await this.#client.get(manifestKey(hash));
    if (!stored) return undefined;
    const text = new TextDecoder().decode(stored);
    const manifest = readRecord(manifestSchema, text, manifestKey(hash));
    return manifest && await readChunks(this.#client, codeFolder(hash), manifest.bytes);
  }

  /**
   * Takes a pin of code whose function is being stored.
   *
   * @returns the key of the pin, to be removed in the transaction that stores the function
   */
  unpin(hash: string): string | undefined {
    return this.#pins.take(hash);
  }

  /**
   * Removes code that no function refers to. Removes nothing while a damaged record hides which code
   * its function has.
   *
   * @returns the number of removed archives
   */
  async collect(): Promise<number> {
    const { entries, revision } = await this.#client.list(functionsPrefix);
    const used = new Set<string>();
    for (const { key, value } of entries) {
      const read = parseRecord(referenceSchema, new TextDecoder().decode(value));
      if ("problem" in read) {
        logger("registry").warn("Unused code is not deleted, because {key} is damaged: {problem}", {
          key,
          problem: read.problem,
        });
        return 0;
      }
      used.add(read.record.CodeHash);
    }
    const keys = (await this.#client.list(codePrefix, true)).entries;
    const hashes = new Set(keys.map(({ key }) => key.slice(codePrefix.length).split("/")[0]!));
    let collected = 0;
    for (const hash of hashes) {
      if (!used.has(hash) && await this.#remove(hash, revision)) collected++;
    }
    return collected;
  }

  /** Removes code unless a function was stored since the revision, or the code is pinned. */
  async #remove(hash: string, revision: number): Promise<boolean> {
    const { succeeded } = await this.#client.transact({
      compare: [unwrittenSince(functionsPrefix, revision), noneBelow(pinsOf(hash))],
      success: [removeBelow(codeFolder(hash))],
    });
    return succeeded;
  }
}

function manifestKey(hash: string): string {
  return `${codeFolder(hash)}manifest`;
}

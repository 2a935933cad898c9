/**
 * Results of async invocations in etcd, which expire with their leases.
 *
 * @module
 */

import type { ReserveMemory } from "../../base/reserve_memory.ts";
import * as v from "valibot";
import type { Sliceable } from "../../base/rope.ts";
import { randomId } from "../../base/ids.ts";
import { chunkBytes, readChunks, writeChunks } from "./chunks.ts";
import type { EtcdClient } from "./client/client.ts";
import { pendingPrefix, resultKey, resultParts } from "./keys.ts";
import type { SharedLeases } from "./client/leases.ts";
import { put, remove } from "./client/requests.ts";
import { decodeLongResult, encodeLongResult, isLongResult } from "../long_results.ts";
import { readRecord } from "../records.ts";
import { type AsyncResult, asyncResultSchema, storedResult } from "../registry.ts";

/** Value of a result's key: the result, or the location of its parts. */
const storedSchema = v.union([
  v.object({ result: asyncResultSchema }),
  v.object({ parts: v.string(), bytes: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
]);

/** Stores results of async invocations in etcd. */
export class EtcdResults {
  readonly #client: EtcdClient;
  readonly #leases: SharedLeases;

  /**
   * Creates a store that has written nothing.
   *
   * @param client calls etcd
   * @param leases grants the leases with which results expire
   */
  constructor(client: EtcdClient, leases: SharedLeases) {
    this.#client = client;
    this.#leases = leases;
  }

  /** Stores a result for at least `ttlMs`. */
  put(id: string, result: AsyncResult, ttlMs: number): Promise<void> {
    return this.#leases.use(ttlMs, (lease) => this.#put(id, result, lease));
  }

  /**
   * Returns the state of an async invocation.
   *
   * @param reserve reserves the memory of a long result before it is read
   */
  async get(id: string, reserve?: ReserveMemory): Promise<AsyncResult | undefined> {
    const value = await this.#client.get(resultKey(id));
    if (!value) return undefined;
    const decoder = new TextDecoder();
    const stored = readRecord(storedSchema, decoder.decode(value), resultKey(id));
    if (!stored || "result" in stored) return stored?.result;
    reserve?.(stored.bytes);
    const parts = await readChunks(this.#client, resultParts(id, stored.parts), stored.bytes);
    return parts && await decodeLongResult(parts, resultKey(id));
  }

  /** Returns the ids of async invocations that a node accepted and never completed. */
  async pending(node: string): Promise<string[]> {
    const { entries } = await this.#client.list(pendingPrefix);
    return entries
      .filter(({ value }) => new TextDecoder().decode(value) === node)
      .map(({ key }) => key.slice(pendingPrefix.length));
  }

  async #put(id: string, result: AsyncResult, lease: string): Promise<void> {
    const value = await this.#stored(id, result, lease);
    const pending = pendingPrefix + id;
    await this.#client.transact({
      compare: [],
      success: [
        put(resultKey(id), value, lease),
        result.state === "pending" ? put(pending, result.node, lease) : remove(pending),
      ],
    });
  }

  /** Creates the value of a result's key, after writing its parts if it is large. */
  async #stored(id: string, result: AsyncResult, lease: string): Promise<Uint8Array> {
    const encoder = new TextEncoder();
    let value: Sliceable;
    if (isLongResult(result, chunkBytes)) value = encodeLongResult(result);
    else {
      const stored = storedResult(result);
      const whole = encoder.encode(JSON.stringify({ result: stored }));
      if (whole.length <= chunkBytes) return whole;
      value = encoder.encode(JSON.stringify(stored));
    }
    const parts = randomId();
    await writeChunks(this.#client, resultParts(id, parts), value, lease);
    return encoder.encode(JSON.stringify({ parts, bytes: value.length }));
  }
}

/**
 * Stores values larger than an etcd request (1.5 MiB by default) in chunks.
 *
 * @module
 */

import type { Sliceable } from "../../base/rope.ts";
import { slices } from "../../base/slices.ts";
import type { EtcdClient } from "./client/client.ts";
import { forEach } from "./steps.ts";

/** Maximum size of the value of one key, bytes. */
export const chunkBytes = 512 << 10;
/** Number of chunks transferred in parallel. */
const parallelChunks = 4;

/**
 * Writes a value in chunks.
 *
 * @param folder prefix of the chunks' keys
 * @param lease of the keys, if any
 */
export async function writeChunks(
  client: EtcdClient,
  folder: string,
  value: Sliceable,
  lease?: string,
): Promise<void> {
  await forEach(chunkIndices(value.length), parallelChunks, async (index) => {
    // The JSON of a chunk is created synchronously, so each turn of the event loop handles one chunk.
    await slices.run(() => true);
    const chunk = value.slice(index * chunkBytes, (index + 1) * chunkBytes);
    await client.put(chunkKey(folder, index), chunk, lease);
  });
}

/**
 * Reads a value.
 *
 * @param folder prefix of the chunks' keys
 * @param bytes size of the value
 * @returns undefined if a chunk is missing
 */
export async function readChunks(
  client: EtcdClient,
  folder: string,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const value = new Uint8Array(bytes);
  let complete = true;
  await forEach(chunkIndices(bytes), parallelChunks, async (index) => {
    const chunk = complete ? await client.get(chunkKey(folder, index)) : undefined;
    const at = index * chunkBytes;
    if (chunk?.length === Math.min(chunkBytes, bytes - at)) value.set(chunk, at);
    else complete = false;
  });
  return complete ? value : undefined;
}

function chunkKey(folder: string, index: number): string {
  return folder + String(index).padStart(6, "0");
}

function chunkIndices(bytes: number): number[] {
  return Array.from({ length: Math.ceil(bytes / chunkBytes) }, (_, index) => index);
}

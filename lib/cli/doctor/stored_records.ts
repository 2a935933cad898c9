/**
 * Records of the node's registry, read without the node.
 *
 * @module
 */

import { join } from "node:path";
import { decodeRecords, type RecordKind, type RecordListing } from "../../registry/collection.ts";
import { EtcdClient } from "../../registry/etcd/client/client.ts";
import { etcdOptions } from "../../registry/etcd/client/config.ts";
import { identityKey, recordsPrefix } from "../../registry/etcd/keys.ts";
import { readRecords } from "../../registry/local/collection.ts";
import { registryFile } from "../../registry/local/registry.ts";
import type { Subject } from "./check.ts";

/** Longest time until etcd responds, ms. */
const answerTimeoutMs = 5000;

/**
 * Reads the records of a kind from etcd, or from the file of the embedded registry.
 *
 * @throws if they cannot be read
 */
export async function storedRecords<T>(
  kind: RecordKind<T>,
  { config, dataDirectory }: Subject,
): Promise<RecordListing<T>> {
  if (config["etcd.address"] === "") return readRecords(kind, join(dataDirectory, registryFile));
  using client = new EtcdClient(etcdOptions(config)!);
  // A listing may take long, which this shows to be worth waiting for.
  await client.get(identityKey, answerTimeoutMs);
  const prefix = recordsPrefix(kind.name);
  const { entries } = await client.list(prefix);
  const texts = entries.map(({ key, value }) =>
    [key.slice(prefix.length), new TextDecoder().decode(value)] as const
  );
  return decodeRecords(kind, texts);
}

/**
 * The storage of a node: functions, their code and results of asynchronous invocations.
 *
 * @module
 */

import { textFile } from "../base/text_file.ts";
import { Catalog } from "../registry/catalog.ts";
import { CodeCache } from "../registry/code/cache.ts";
import { CodeReferences } from "../registry/code/references.ts";
import { etcdOptions } from "../registry/etcd/client/config.ts";
import { DurableResults } from "../registry/local/durable_results.ts";
import { openKnownFunctions, openRemembering } from "../registry/local/known_functions.ts";
import { KnownNodes } from "../registry/local/known_nodes.ts";
import { openSqlite, registryFile } from "../registry/local/registry.ts";
import { ResultJournal } from "../registry/local/result_journal.ts";
import type { Registry } from "../registry/registry.ts";
import { interruptedResult } from "../scheduler/async_invocations.ts";
import { Backups } from "./backup.ts";
import type { NodeBase } from "./base.ts";

/** Code kept on disk before the least recently used is deleted, bytes. */
export const maxCodeBytes = 4 * 2 ** 30;

/** Storage of a node. */
export interface NodeStorage {
  /** Data shared by all nodes. */
  readonly registry: Registry;
  /** Keeps what is known on this node's disk; undefined if the registry is on it. */
  readonly memory: Registry | undefined;
  /** All functions, in memory. */
  readonly catalog: Catalog;
  /** Code on this machine. */
  readonly codeCache: CodeCache;
  readonly references: CodeReferences;
  /** Makes backups of the embedded registry; undefined with etcd. */
  readonly backups: Backups | undefined;
}

/**
 * Opens the storage.
 *
 * @throws `REGISTRY_UNAVAILABLE` for an invalid database
 */
export async function openStorage(base: NodeBase): Promise<NodeStorage> {
  const { config, home, predecessor, built } = base;
  // Cache and registry fetch code from each other.
  const codeCache: CodeCache = new CodeCache({
    dir: home.of("code"),
    isShared: predecessor !== undefined,
    registry: { getCode: (hash) => registry.getCode(hash) },
    maxBytes: maxCodeBytes,
    // Nothing is known about functions until the catalog is open.
    isReferenced: (hash) => isShared || (known.references?.has(hash) ?? true),
  });
  // Instances of the former process use code that no function needs any more.
  let isShared = predecessor !== undefined;
  const known: { references?: CodeReferences } = {};
  const registry: Registry = built.use(
    await openRegistry(base, (hash) => codeCache.local(hash)),
  );
  const memory = config["etcd.address"] === ""
    ? undefined
    : built.use(openKnownFunctions(home.of("functions.db")));
  const catalog = built.use(
    memory ? await openRemembering(registry, memory) : await Catalog.open(registry),
  );
  const references = known.references = built.use(new CodeReferences(catalog));
  references.onUnreferenced((hash) => void codeCache.collect(hash));
  void Promise.all([catalog.completed, predecessor?.gone]).then(() => {
    isShared = false;
    void codeCache.collect();
  });
  const backups = memory ? undefined : built.use(new Backups(home.of(registryFile)));
  return { codeCache, registry, memory, catalog, references, backups };
}

async function openRegistry(
  { config, home, clock, predecessor, built }: NodeBase,
  recoverCode: (hash: string) => Promise<Uint8Array | undefined>,
): Promise<Registry> {
  const options = etcdOptions(config);
  if (!options) return openSqlite(home.of(registryFile), clock, predecessor?.gone);
  // Loading it takes time, and most nodes do not need it.
  const { connectEtcd } = await import("../registry/etcd/registry.ts");
  const knownNodes = built.use(new KnownNodes(textFile(home.of("nodes.json")), clock));
  return connectEtcd({ ...options, recoverCode, knownNodes });
}

/**
 * Opens the store for results of asynchronous invocations if the registry may be unavailable.
 *
 * @returns undefined for the embedded registry
 */
export function openResults(
  { config, home, clock, predecessor, bodies, built }: NodeBase,
  registry: Registry,
): DurableResults | undefined {
  if (config["etcd.address"] === "") return undefined;
  const journal = new ResultJournal(home.of("results.db"));
  return built.use(
    new DurableResults({
      registry,
      journal,
      takeMemory: () => bodies.take(0),
      clock,
      interrupted: interruptedResult,
      formerEnded: predecessor?.gone,
    }),
  );
}

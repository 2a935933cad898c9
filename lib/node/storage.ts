/**
 * Where a node keeps functions, their code and async results.
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
import { openSqlite } from "../registry/local/registry.ts";
import { ResultJournal } from "../registry/local/result_journal.ts";
import type { Registry } from "../registry/registry.ts";
import { interruptedResult } from "../scheduler/async_invocations.ts";
import type { NodeBase } from "./base.ts";

/** Bytes of code kept on disk before what was not used for longest goes. */
export const maxCodeBytes = 4 * 2 ** 30;

/** What a node keeps. */
export interface NodeStorage {
  /** What nodes share. */
  readonly registry: Registry;
  /** All functions. */
  readonly catalog: Catalog;
  /** Their code on this machine. */
  readonly codeCache: CodeCache;
  /** Which code is needed. */
  readonly references: CodeReferences;
}

/**
 * Opens it.
 *
 * @param base the node's
 * @throws `REGISTRY_UNAVAILABLE` for a database that cannot be used
 */
export async function openStorage(base: NodeBase): Promise<NodeStorage> {
  const { config, home, built } = base;
  // The cache and the registry fetch code from each other.
  const codeCache: CodeCache = new CodeCache({
    dir: home.of("code"),
    registry: { getCode: (hash) => registry.getCode(hash) },
    maxBytes: maxCodeBytes,
    // Until the catalog is open, nothing is known of functions.
    isReferenced: (hash) => known.references?.has(hash) ?? true,
  });
  const known: { references?: CodeReferences } = {};
  const registry: Registry = built.use(
    await openRegistry(base, (hash) => codeCache.local(hash)),
  );
  const catalog = built.use(
    config["etcd.address"] === ""
      ? await Catalog.open(registry)
      : await openRemembering(registry, built.use(openKnownFunctions(home.of("functions.db")))),
  );
  const references = known.references = built.use(new CodeReferences(catalog));
  references.onUnreferenced((hash) => void codeCache.collect(hash));
  void catalog.completed.then(() => codeCache.collect());
  return { codeCache, registry, catalog, references };
}

async function openRegistry(
  { config, home, clock, built }: NodeBase,
  recoverCode: (hash: string) => Promise<Uint8Array | undefined>,
): Promise<Registry> {
  const options = etcdOptions(config);
  if (!options) return openSqlite(home.of("registry.db"));
  // Costs time to load, and most nodes do without it.
  const { connectEtcd } = await import("../registry/etcd/registry.ts");
  const knownNodes = built.use(new KnownNodes(textFile(home.of("nodes.json")), clock));
  return connectEtcd({ ...options, recoverCode, knownNodes });
}

/**
 * Opens the results of async invocations for a registry that may be away.
 *
 * @param base the node's
 * @param registry what nodes share
 * @returns undefined for the embedded registry, which never is
 */
export function openResults(
  { config, home, clock, built }: NodeBase,
  registry: Registry,
): DurableResults | undefined {
  if (config["etcd.address"] === "") return undefined;
  const journal = new ResultJournal(home.of("results.db"));
  return built.use(
    new DurableResults({ registry, journal, clock, interrupted: interruptedResult }),
  );
}

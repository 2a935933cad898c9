/**
 * Last known functions of a cluster, stored on this node's disk. A node that starts while the registry
 * is unavailable serves these.
 *
 * @module
 */

import { asServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import type { FunctionRecord } from "../../model/function.ts";
import { Catalog } from "../catalog.ts";
import type { Registry } from "../registry.ts";
import { openSqlite } from "./registry.ts";
import { moveAside } from "./sqlite_file.ts";

/** Local registry that only this node uses. */
export type Memory = Pick<Registry, "watchFunctions" | "putFunction" | "deleteFunction">;

/**
 * Opens the file of the known functions. An unusable file is moved aside and replaced by an empty one,
 * because the registry reports its content again.
 *
 * @throws `REGISTRY_UNAVAILABLE` if no file can be created at the path
 */
export function openKnownFunctions(path: string): Registry {
  try {
    return openSqlite(path);
  } catch (error) {
    logger("registry").warn(
      "The functions known before this start are unavailable until the registry responds. " +
        "{reason}. The file is now {aside}",
      { reason: asServerledgeError(error).message, aside: moveAside(path) },
    );
    return openSqlite(path);
  }
}

/**
 * Opens the catalog of a registry that may be unavailable.
 *
 * @param registry the registry that the catalog follows
 * @param memory stores the functions of the catalog; outlives it
 */
export async function openRemembering(
  registry: Pick<Registry, "watchFunctions">,
  memory: Memory,
): Promise<Catalog> {
  const known = await functionsOf(memory);
  const catalog = await Catalog.open(registry, { known });
  const versions = new Map(known.map(({ name, version }) => [name, version]));
  const keep = (name: string, record: FunctionRecord | undefined) => {
    const written = record ? memory.putFunction(record) : memory.deleteFunction(name);
    written.catch((error) => {
      logger("registry").warn("Cannot store the known functions on disk: {reason}", {
        reason: asServerledgeError(error).message,
      });
    });
  };
  for (const record of catalog.list()) {
    if (versions.get(record.name) !== record.version) keep(record.name, record);
    versions.delete(record.name);
  }
  for (const name of versions.keys()) keep(name, undefined);
  catalog.onChange(keep);
  return catalog;
}

async function functionsOf(memory: Memory): Promise<FunctionRecord[]> {
  let records: FunctionRecord[] = [];
  const ignore = () => {};
  using _watch = await memory.watchFunctions({
    reset: (all) => records = all,
    put: ignore,
    damage: ignore,
    remove: ignore,
  });
  return records;
}

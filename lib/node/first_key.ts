/**
 * Creates the first key of a registry, on the machine of a node and without its API.
 *
 * @module
 */

import { createFirstKey } from "../access/first_key.ts";
import { type Grant, keyKind } from "../access/key.ts";
import { type IssuedKey, KeyService } from "../access/key_service.ts";
import { systemClock } from "../base/clock.ts";
import { NodeHome } from "../cluster/home.ts";
import type { Config } from "../config/config.ts";
import { etcdOptions } from "../registry/etcd/client/config.ts";
import { openSqlite, registryFile } from "../registry/local/registry.ts";
import { RecordTable } from "../registry/record_table.ts";
import type { Registry } from "../registry/registry.ts";

/**
 * Creates a key of an admin, see {@link createFirstKey}.
 *
 * @throws `CONFIG_INVALID` if a running node uses the embedded registry, `REGISTRY_UNAVAILABLE`
 */
export async function createFirstKeyOf(
  config: Config,
  name: string,
  force: boolean,
): Promise<IssuedKey> {
  await using stack = new AsyncDisposableStack();
  const { registry, home } = await openRegistry(config, stack);
  using table = await RecordTable.open(keyKind, registry);
  const service = new KeyService(registry.collection(keyKind), table, systemClock);
  const store = {
    keys: service.list(),
    damaged: service.damaged().map(({ id }) => id),
    create: (grant: Grant) => service.create(grant),
    revoke: (name: string) => service.revoke(name, true),
  };
  const key = await createFirstKey(store, name, force, systemClock.wall());
  home?.keep();
  return key;
}

/** @returns the registry, and the data folder if the registry is in it */
async function openRegistry(
  config: Config,
  stack: AsyncDisposableStack,
): Promise<{ registry: Registry; home?: NodeHome }> {
  const options = etcdOptions(config);
  if (options) {
    const { connectEtcd } = await import("../registry/etcd/registry.ts");
    return { registry: stack.use(connectEtcd(options)) };
  }
  const home = stack.use(NodeHome.open(config["data.dir"], config["registry.node.id"]));
  return { registry: stack.use(openSqlite(home.of(registryFile))), home };
}

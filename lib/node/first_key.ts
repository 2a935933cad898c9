/**
 * Creates the first key of a registry, on the machine of a node and without its API.
 *
 * @module
 */

import { keyKind } from "../access/key.ts";
import { type IssuedKey, KeyService } from "../access/key_service.ts";
import { systemClock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { NodeHome } from "../cluster/home.ts";
import type { Config } from "../config/config.ts";
import { etcdOptions } from "../registry/etcd/client/config.ts";
import { openSqlite, registryFile } from "../registry/local/registry.ts";
import { RecordTable } from "../registry/record_table.ts";
import type { Registry } from "../registry/registry.ts";

/**
 * Creates a key of an admin.
 *
 * @param name name of the key
 * @param force true even if there are keys
 * @throws `KEY_EXISTS`, `CONFIG_INVALID` if a running node uses the embedded registry, `REGISTRY_UNAVAILABLE`
 */
export async function createFirstKey(
  config: Config,
  name: string,
  force: boolean,
): Promise<IssuedKey> {
  await using stack = new AsyncDisposableStack();
  const { registry, home } = await openRegistry(config, stack);
  using table = await RecordTable.open(keyKind, registry);
  const { ok } = registry.health();
  if (ok && table.size > 0 && !force) {
    const names = table.list().map((key) => key.name).join(", ");
    throw new ServerledgeError(
      "KEY_EXISTS",
      `There are keys already (${names}): create others with an admin's key, or force another one of an admin`,
    );
  }
  const keys = new KeyService(registry.collection(keyKind), table, systemClock);
  const key = await keys.create({
    name,
    role: "admin",
    functions: ["*"],
    classes: [],
    rate: 0,
    burst: 0,
    concurrency: 0,
    memoryMib: 0,
    expires: 0,
  });
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

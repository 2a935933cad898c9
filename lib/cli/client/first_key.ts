/**
 * Creates the first key through the running node of this machine.
 *
 * @module
 */

import { createFirstKey, type KeyStore } from "../../access/first_key.ts";
import { grantNames, type listedKeyNames } from "../../access/key.ts";
import type { IssuedKey } from "../../access/key_service.ts";
import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { storedNodeId } from "../../cluster/home.ts";
import type { Config } from "../../config/config.ts";
import { isObject } from "../../json/json.ts";
import type { WireOf } from "../../json/wire_names.ts";
import type { Globals } from "../options/options.ts";
import type { Terminal } from "../terminal.ts";
import type { NodeClient } from "./client.ts";
import { type Endpoint, urlOf } from "./endpoint.ts";
import { clientOf } from "./session.ts";

/**
 * Creates a key of an admin through the node that uses the configured data directory.
 *
 * @param config configuration of the node
 * @param folder its data directory
 * @param force true even if there is a valid key of an admin
 * @throws `CONFIG_INVALID` if that is possible only while the node is stopped; `KEY_EXISTS`
 */
export async function createKeyThroughNode(
  { config, folder }: { readonly config: Config; readonly folder: string },
  { name, force }: { readonly name: string; readonly force: boolean },
  globals: Globals,
  terminal: Terminal,
): Promise<IssuedKey> {
  const refuse = (why: string) =>
    new ServerledgeError(
      "CONFIG_INVALID",
      `A running node uses the directory ${folder}, and ${why}: stop it, run serverledge keys init again, and ` +
        "start it",
    );
  const endpoint = await localEndpoint(config);
  if (!endpoint) throw refuse("the configuration does not tell its port (api.port is 0)");
  using node = clientOf(endpoint, { verbose: globals.verbose, ca: undefined }, terminal);
  let store: KeyStore;
  try {
    const { json } = await node.get("/healthz");
    const id = config["registry.node.id"] || storedNodeId(folder);
    if (!isObject(json) || json.Node !== id) throw new Error("another node responds there");
    store = await storeOf(node);
  } catch (error) {
    const { code, message } = asServerledgeError(error);
    const isRefused = code === "UNAUTHORIZED" || code === "FORBIDDEN";
    throw refuse(
      isRefused ? "it requires a key" : `it cannot be called at ${urlOf(endpoint)} (${message})`,
    );
  }
  return await createFirstKey(store, name, force, Date.now());
}

/** Returns where this machine reaches a node with a configuration; undefined if its port is unknown. */
async function localEndpoint(config: Config): Promise<Endpoint | undefined> {
  const { "api.port": port, "api.listen": listen, "api.tls.cert": cert } = config;
  if (port === 0) return undefined;
  const host = listen === "0.0.0.0" ? "127.0.0.1" : listen === "::" ? "::1" : listen;
  // With a TLS port of its own, api.port is plain HTTP.
  if (cert === "" || config["api.tls.port"] !== "") return { host, port, isSecure: false };
  return { host, port, isSecure: true, certificate: await Deno.readTextFile(cert) };
}

async function storeOf(node: NodeClient): Promise<KeyStore> {
  const { json } = await node.get("/keys");
  const { Keys, Unreadable = [] } = json as {
    Keys: WireOf<typeof listedKeyNames>[];
    Unreadable?: { Name: string }[];
  };
  return {
    keys: Keys.map(({ Name, Role, Expires }) => ({ name: Name, role: Role, expires: Expires })),
    damaged: Unreadable.map(({ Name }) => Name),
    async create(grant) {
      const { json } = await node.post("/keys", grantNames.toWire(grant));
      const { Name, Id, Key } = json as { Name: string; Id: string; Key: string };
      return { name: Name, id: Id, key: Key };
    },
    revoke: async (name) =>
      void await node.post(`/keys/${encodeURIComponent(name)}/revoke`, { Force: true }),
  };
}

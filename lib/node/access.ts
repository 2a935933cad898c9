/**
 * Keys and authentication of a node or balancer.
 *
 * @module
 */

import { type Authenticator, KeyAuthenticator } from "../access/authenticator.ts";
import { hasAdmin, keyKind } from "../access/key.ts";
import { KeyService } from "../access/key_service.ts";
import type { TokenVerifier } from "../access/tokens/token_verifier.ts";
import { anyone } from "../access/principal.ts";
import { isLoopback } from "../api/origin.ts";
import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import type { Catalog } from "../registry/catalog.ts";
import { RecordTable } from "../registry/record_table.ts";
import type { Registry } from "../registry/registry.ts";

/** Access control of a node. */
export interface NodeAccess {
  readonly access: Authenticator;
  readonly keys: KeyService;
  /** Tokens of an identity provider; undefined if none are accepted. */
  readonly tokens?: TokenVerifier | undefined;
}

/** Dependencies of {@link openAccess}. */
export interface AccessOptions {
  readonly config: Config;
  readonly registry: Registry;
  /** Keeps the keys on disk if the registry may be unavailable. */
  readonly memory?: Registry | undefined;
  readonly catalog: Pick<Catalog, "get">;
  readonly clock: Clock;
  /** Owns what is opened. */
  readonly built: AsyncDisposableStack;
}

/**
 * Opens the keys, and what verifies tokens.
 *
 * @throws `CONFIG_INVALID` if other machines can reach the node and there is neither a key nor an issuer of tokens,
 *   or the settings of tokens are unusable
 */
export async function openAccess(options: AccessOptions): Promise<NodeAccess> {
  const { config, registry, memory, catalog, clock, built } = options;
  const table = built.use(await RecordTable.open(keyKind, registry, memory));
  const isOpen = config["api.auth"] === "none";
  const tokens = isOpen ? undefined : await openTokens(config, clock, built);
  const keys = new KeyService(registry.collection(keyKind), table, clock, tokens !== undefined);
  if (isOpen) return { access: open, keys };
  const isAlwaysRequired = requiresKeys(config);
  const isUsable = tokens !== undefined || hasAdmin(table.list(), clock.wall());
  if (isAlwaysRequired && !isUsable && registry.health().ok) throw withoutKeys(config);
  const access = built.use(
    new KeyAuthenticator({
      keys: table,
      clock,
      tokens,
      required: isAlwaysRequired ? "always" : "withKeys",
      isPublic: (name) => catalog.get(name)?.public === true,
    }),
  );
  return { access, keys, tokens };
}

async function openTokens(
  config: Config,
  clock: Clock,
  built: AsyncDisposableStack,
): Promise<TokenVerifier | undefined> {
  if (config["api.tokens.issuer"] === "") return undefined;
  const { openTokens } = await import("../access/tokens/open.ts");
  return openTokens(config, clock, built);
}

/** Returns whether a node requires keys even if there are none. */
export function requiresKeys(config: Config): boolean {
  const { "api.auth": auth, "api.tokens.issuer": issuer, "api.listen": listen } = config;
  return auth !== "none" && (auth === "keys" || issuer !== "" || !isLoopback(listen));
}

/** A node that requires no keys. */
const open: Authenticator = { authenticate: () => anyone, isRequired: false };

function withoutKeys(config: Config): ServerledgeError {
  const why = config["api.auth"] === "keys"
    ? "api.auth is keys"
    : `other machines can reach this one (api.listen is ${config["api.listen"]})`;
  return new ServerledgeError(
    "CONFIG_INVALID",
    `There is no valid key of an admin, but ${why}: create one with "serverledge keys init", with the same ` +
      "configuration, set api.tokens.issuer, or set api.auth to none if everybody in the network may run code on this machine",
  );
}

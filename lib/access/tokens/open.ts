/**
 * Tokens of an identity provider as the configuration describes them. This module is loaded only if it does.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { TrustFile } from "../../http/tls/trust.ts";
import { type ClaimRights, readClaimRights } from "./claim_rights.ts";
import { IssuerKeys } from "./issuer_keys.ts";
import { fileSource, type KeySource, urlSource } from "./key_source.ts";
import { TokenVerifier } from "./token_verifier.ts";

/** What tokens must be, and where the keys of their issuer are. */
export interface TokenSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly rights: readonly ClaimRights[];
  readonly source: KeySource;
}

/**
 * Opens the verification of tokens.
 *
 * @param built owns what is opened
 * @throws the errors of {@link tokenSettings}
 */
export function openTokens(
  config: Config,
  clock: Clock,
  built: AsyncDisposableStack,
): TokenVerifier {
  const { source, ...settings } = tokenSettings(config);
  const keys = built.use(new IssuerKeys(source, clock));
  return new TokenVerifier({ ...settings, keys, wall: () => clock.wall() });
}

/**
 * Reads the settings of tokens.
 *
 * @throws `CONFIG_INVALID` if they are incomplete or unusable
 */
export function tokenSettings(config: Config): TokenSettings {
  const { "api.tokens.issuer": issuer, "api.tokens.audience": audience } = config;
  if (audience === "") {
    throw invalid("api.tokens.audience", "name this service, or tokens for others would be valid");
  }
  const rights = readClaimRights(config["api.tokens.rights"] || []);
  return { issuer, audience, rights, source: keySourceOf(config) };
}

/** Returns where the keys of the issuer are; never a URL whose response somebody in the network could replace. */
function keySourceOf(config: Config): KeySource {
  const { "api.tokens.jwks": location, "api.tokens.ca": ca } = config;
  if (location === "") {
    throw invalid("api.tokens.jwks", "name the file or URL with the public keys of the issuer");
  }
  if (!/^https?:/i.test(location)) return fileSource(location);
  const { protocol, hostname } = URL.parse(location) ?? {};
  if (hostname === undefined) throw invalid("api.tokens.jwks", `${location} is not a URL`);
  if (protocol === "http:" && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) {
    throw invalid(
      "api.tokens.jwks",
      "use https:, since somebody in the network could replace the keys",
    );
  }
  return urlSource(location, ca === "" ? undefined : new TrustFile("api.tokens.ca", ca));
}

function invalid(setting: string, problem: string): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", `${setting}: ${problem}`, {
    details: { path: setting },
  });
}

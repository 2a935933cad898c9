/**
 * Tokens of an identity provider as the configuration describes them. This module is loaded only if it does.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { TrustFile } from "../../http/tls/trust.ts";
import { readClaimRights } from "./claim_rights.ts";
import { IssuerKeys } from "./issuer_keys.ts";
import { fileSource, type KeySource, urlSource } from "./key_source.ts";
import { TokenVerifier } from "./token_verifier.ts";

/**
 * Opens the verification of tokens.
 *
 * @param built owns what is opened
 * @throws `CONFIG_INVALID` if the settings of tokens are incomplete or unusable
 */
export function openTokens(
  config: Config,
  clock: Clock,
  built: AsyncDisposableStack,
): TokenVerifier {
  const { "api.tokens.issuer": issuer, "api.tokens.audience": audience } = config;
  if (audience === "") {
    throw invalid("api.tokens.audience", "name this service, or tokens for others would be valid");
  }
  const rights = readClaimRights(config["api.tokens.rights"] || []);
  const keys = built.use(new IssuerKeys(keySourceOf(config), clock));
  return new TokenVerifier({ issuer, audience, rights, keys, wall: () => clock.wall() });
}

/**
 * Returns where the keys of the issuer are.
 *
 * @throws `CONFIG_INVALID` for a URL that somebody in the network could redirect
 */
export function keySourceOf(config: Config): KeySource {
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

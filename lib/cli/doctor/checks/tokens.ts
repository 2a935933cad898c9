/**
 * Checks whether the keys of the identity provider can be read.
 *
 * @module
 */

import { asServerledgeError } from "../../../base/errors.ts";
import { quantity } from "../../../base/quantity.ts";
import { isObject, tryParseObject } from "../../../json/json.ts";
import { type Check, fine, problem } from "../check.ts";

/** Kinds of public keys (RFC 7518 section 6.1, RFC 8037). */
const kinds: readonly unknown[] = ["RSA", "EC", "OKP"];

/** Settings of tokens, and the keys of their issuer. */
export const tokens: Check = {
  name: "tokens",
  async run({ config }) {
    if (config["api.tokens.issuer"] === "" || config["api.auth"] === "none") return [];
    const { tokenSettings } = await import("../../../access/tokens/open.ts");
    let settings;
    try {
      settings = tokenSettings(config);
    } catch (error) {
      const { message } = asServerledgeError(error);
      return [problem("error", message, "Correct api.tokens.* in the configuration")];
    }
    const { source, issuer } = settings;
    const fix = "Check api.tokens.jwks, api.tokens.ca, and whether this machine reaches the issuer";
    try {
      const { keys } = tryParseObject(await source.read()) ?? {};
      const list = Array.isArray(keys) ? keys : [];
      const count = list.filter((key) => isObject(key) && kinds.includes(key.kty)).length;
      if (count === 0) return [problem("error", `${source.location} has no public keys`, fix)];
      return [fine(`${issuer}: ${quantity(count, "public key")} at ${source.location}`)];
    } catch (error) {
      const reason = (error as Error).message;
      return [problem("error", `Cannot read the keys at ${source.location}: ${reason}`, fix)];
    }
  },
};

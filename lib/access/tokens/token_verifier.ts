/**
 * Verifies signed tokens of an identity provider: JSON Web Tokens (RFC 7519, RFC 8725).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { ServerledgeError } from "../../base/errors.ts";
import type { Grant } from "../key.ts";
import { unauthorized } from "../principal.ts";
import { type ClaimRights, rightsOf } from "./claim_rights.ts";
import type { IssuerKeys } from "./issuer_keys.ts";

/** Accepted algorithms. With a symmetric one, everybody who can verify a token could also create one. */
const algorithms = ["RS", "PS", "ES"].flatMap((family) =>
  [256, 384, 512].map((bits) => family + bits)
).concat("EdDSA", "Ed25519");

/** Accepted difference between the clocks of the issuer and of this machine, s. */
export const clockToleranceS = 30;

/** Maximum length of a token. */
const maxLength = 8192;
/** Maximum length of a subject (OpenID Connect Core, section 2). */
const maxSubject = 255;

/** Id and rights of a verified token. */
export interface VerifiedToken {
  /** Stable id of issuer and subject, of another form than ids of keys. */
  readonly id: string;
  /** Rights; undefined if no row of the table matches. */
  readonly grant: Grant | undefined;
  /** `subject@host-of-the-issuer`. */
  readonly name: string;
  /** When it expires, ms since the Unix epoch. */
  readonly until: number;
}

/** Settings of a {@link TokenVerifier}. */
export interface TokenOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly rights: readonly ClaimRights[];
  readonly keys: Pick<IssuerKeys, "find" | "onChange" | "problem">;
  /** Time for the claims, ms since the Unix epoch. */
  readonly wall: () => number;
}

/** Verifies tokens of one issuer. */
export class TokenVerifier {
  readonly #options: TokenOptions;
  /** Host of the issuer, for names. */
  readonly #host: string;

  /** Creates a verifier. */
  constructor(options: TokenOptions) {
    this.#options = options;
    this.#host = URL.parse(options.issuer)?.host || options.issuer;
  }

  /** Issuer of the tokens. */
  get issuer(): string {
    return this.#options.issuer;
  }

  /** Current problems. */
  problems(): string[] {
    const { problem } = this.#options.keys;
    return problem ? [`tokens: ${problem}`] : [];
  }

  /** Calls a listener after the keys of the issuer have changed. Disposing the returned object removes it. */
  onChange(listener: () => void): Disposable {
    return this.#options.keys.onChange(listener);
  }

  /** Returns whether a token claims to be of the issuer; its signature is not verified. */
  isOfIssuer(token: string): boolean {
    try {
      return decodeJwt(token).iss === this.#options.issuer;
    } catch {
      return false;
    }
  }

  /**
   * Verifies a token.
   *
   * @throws `UNAUTHORIZED` with the reason, `ISSUER_UNAVAILABLE` if its key is unknown and cannot be read
   */
  async verify(token: string): Promise<VerifiedToken> {
    if (token.length > maxLength) {
      throw unauthorized(`The token is longer than ${maxLength} characters`);
    }
    const { issuer, audience, keys, wall } = this.#options;
    const options = {
      algorithms,
      issuer,
      audience,
      clockTolerance: clockToleranceS,
      currentDate: new Date(wall()),
      requiredClaims: ["exp", "sub"],
    };
    const { payload } = await jwtVerify(token, keys.find, options).catch((error) => {
      throw reasonOf(error, options.currentDate);
    });
    return this.#verified(payload);
  }

  #verified(payload: JWTPayload): VerifiedToken {
    const { sub, exp } = payload;
    const isName = typeof sub === "string" && /^[^\p{C}]+$/u.test(sub) && sub.length <= maxSubject;
    if (!isName) throw unauthorized("The subject (sub) of the token cannot be used as a name");
    const name = `${sub}@${this.#host}`;
    const rights = rightsOf(this.#options.rights, payload);
    const until = Math.floor((exp! + clockToleranceS) * 1000);
    return {
      id: idOf(this.issuer, sub),
      name,
      until,
      grant: rights && { ...rights, name, expires: until },
    };
  }
}

function idOf(issuer: string, subject: string): string {
  const hash = createHash("sha256").update(JSON.stringify([issuer, subject])).digest("hex");
  return hash.slice(0, 24);
}

/** Returns the error for a token that jose refused. */
function reasonOf(error: unknown, now: Date): unknown {
  if (error instanceof ServerledgeError) return error;
  if (error instanceof errors.JWTExpired) {
    const { exp } = error.payload;
    return unauthorized(`The token has expired, ${Math.round(now.getTime() / 1000 - exp!)} s ago`);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthorized(reasons[error.claim] ?? `The claim ${error.claim} of the token is invalid`);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return unauthorized("The issuer has no key for the token");
  }
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return unauthorized("The token does not say which key of its issuer (kid) has signed it");
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return unauthorized(`The algorithm of the token is not one of ${algorithms.join(", ")}`);
  }
  if (error instanceof errors.JOSEError) {
    return unauthorized("The signature of the token is invalid");
  }
  return error;
}

/** Reasons by claim; any of them may also be missing. */
const reasons: Readonly<Record<string, string>> = {
  aud: "The token is for another audience",
  iss: "The token is of another issuer",
  nbf: "The token is not valid yet",
  exp: "The token does not expire",
  sub: "The token has no subject (sub)",
};

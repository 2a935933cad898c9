/**
 * Finds out who makes a request.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import type { RecordTable } from "../registry/record_table.ts";
import { KeyMeter } from "./key_meter.ts";
import { type Grant, isExpired, isValid, keyHeader, type KeyRecord, parseKey } from "./key.ts";
import {
  anyone,
  clusterMember,
  GrantedPrincipal,
  type Principal,
  stranger,
  unauthorized,
} from "./principal.ts";
import { FailedAttempts } from "./failed_attempts.ts";
import type { TokenVerifier } from "./tokens/token_verifier.ts";

/** Header with a JSON Web Token in its compact form, whose first part is an encoded object. */
const asToken = /^bearer +(ey[\w-]+\.[\w-]+\.[\w-]*)$/i;
/** Joined value of several headers, of which one may have a key or token. These contain no comma. */
const asSeveral = /^bearer +(?:sl_|ey)[^,]*,|, *bearer /i;
/** Maximum length of all verified headers that are remembered. */
const maxVerifiedLength = 4 << 20;
/** Number of meters of tokens above which those without invocations are removed. */
const maxIdleMeters = 10_000;

/** Part of a request that authenticates it. */
export type Credentials = Pick<IncomingRequest, "headers" | "client" | "peer">;

/** Authenticates requests. */
export interface Authenticator {
  /**
   * Returns the client of a request.
   *
   * @returns a promise only for a token that has to be verified; it rejects with the same errors, or with
   *   `ISSUER_UNAVAILABLE`
   * @throws `UNAUTHORIZED` for a key or token that is not valid or not the only one, `QUOTA_EXCEEDED` after many
   *   invalid ones of one address
   */
  authenticate(request: Credentials): Principal | Promise<Principal>;
  /** True if requests need a key or token. */
  readonly isRequired: boolean;
}

/** A verified key or token. */
interface Verified {
  readonly principal: Principal;
  /** When the header is verified again, ms since the Unix epoch. */
  readonly until: number;
}

/** Dependencies and settings of {@link KeyAuthenticator}. */
export interface KeyAuthenticatorOptions {
  readonly keys: Pick<RecordTable<KeyRecord>, "list" | "size" | "onChange">;
  readonly clock: Pick<Clock, "wall" | "now">;
  /**
   * `always`: also without keys; `withKeys`: as soon as there is one, also an unreadable one, and from
   * then on.
   */
  readonly required: "always" | "withKeys";
  /** Verifies tokens of an identity provider; undefined if none are accepted. */
  readonly tokens?: TokenVerifier | undefined;
  /** Returns whether anyone may invoke a function. */
  readonly isPublic: (functionName: string) => boolean;
}

/** Authenticates by keys, which it finds in memory, and by tokens of an identity provider. */
export class KeyAuthenticator implements Authenticator, Disposable {
  readonly #options: KeyAuthenticatorOptions;
  readonly #stranger: Principal;
  readonly #attempts: FailedAttempts;
  readonly #watches = new DisposableStack();
  readonly #byId = new Map<string, KeyRecord>();
  /** By the value of the header. One look-up replaces a hash for each request. */
  readonly #verified = new Map<string, Verified>();
  #verifiedLength = 0;
  /** Incremented when keys change, so that nothing is remembered that was verified before. */
  #generation = 0;
  /** By the id of the key, for keys with quotas that were used. */
  readonly #meters = new Map<string, KeyMeter>();
  /** The same by the id of a token's subject. */
  readonly #tokenMeters = new Map<string, KeyMeter>();
  #isRequired = false;

  /** Creates an authenticator that follows the keys until it is disposed. */
  constructor(options: KeyAuthenticatorOptions) {
    this.#options = options;
    this.#stranger = stranger(options.isPublic);
    this.#attempts = new FailedAttempts(options.clock);
    this.#watches.use(options.keys.onChange(() => this.#update()));
    if (options.tokens) this.#watches.use(options.tokens.onChange(() => this.#forget()));
    this.#update();
  }

  get isRequired(): boolean {
    return this.#isRequired;
  }

  authenticate({ headers, client, peer }: Credentials): Principal | Promise<Principal> {
    if (!this.#isRequired) return anyone;
    if (peer && !peer.forClient) return clusterMember;
    const header = headers.get("authorization");
    if (header === null) return this.#stranger;
    const verified = this.#verified.get(header);
    if (verified && verified.until > this.#options.clock.wall()) return verified.principal;
    // A proxy on the path may have checked another one.
    if (asSeveral.test(header)) throw unauthorized("The request has more than one credential");
    // A balancer has counted the attempts of its clients.
    const counted = peer ? undefined : client;
    if (keyHeader.test(header)) return this.#verify(header, counted);
    const { tokens, isPublic } = this.#options;
    const token = tokens && asToken.exec(header)?.[1];
    // Public functions may have keys and tokens of their own.
    if (!tokens || token === undefined) return this.#stranger;
    if (tokens.isOfIssuer(token)) return this.#verifyToken(tokens, header, token, counted);
    return stranger(isPublic, () => unauthorized(`The token is not one of ${tokens.issuer}`));
  }

  /** Stops following the keys. */
  [Symbol.dispose](): void {
    this.#watches.dispose();
  }

  #verify(header: string, client: string | undefined): Principal {
    const now = this.#options.clock.wall();
    const key = parseKey(header.slice(header.lastIndexOf(" ") + 1));
    const record = key && this.#byId.get(key.id);
    if (!key || !record || !isValid(record, key.secret, now)) {
      // A valid key is never slowed down: clients behind one address share it.
      if (client !== undefined) this.#attempts.add(client);
      const hasExpired = key && record && isExpired(record, now);
      throw unauthorized(hasExpired ? `Key "${record.name}" has expired` : "The key is not valid");
    }
    const principal = new GrantedPrincipal(
      record.id,
      record,
      this.#options.isPublic,
      this.#meterOf(this.#meters, record.id, record),
    );
    this.#remember(header, { principal, until: endOf(record, now) });
    return principal;
  }

  async #verifyToken(
    tokens: TokenVerifier,
    header: string,
    token: string,
    client: string | undefined,
  ): Promise<Principal> {
    const { isPublic } = this.#options;
    const generation = this.#generation;
    try {
      const { id, name, grant, until } = await tokens.verify(token);
      const principal = grant
        ? new GrantedPrincipal(id, grant, isPublic, this.#meterOf(this.#tokenMeters, id, grant))
        : stranger(isPublic, () => withoutRights(name), { id, name });
      if (generation === this.#generation) this.#remember(header, { principal, until });
      return principal;
    } catch (error) {
      const isInvalid = error instanceof ServerledgeError && error.code === "UNAUTHORIZED";
      if (isInvalid && client !== undefined) this.#attempts.add(client);
      throw error;
    }
  }

  #remember(header: string, verified: Verified): void {
    this.#verifiedLength += header.length;
    if (this.#verifiedLength > maxVerifiedLength) {
      this.#verified.clear();
      this.#verifiedLength = header.length;
    }
    this.#verified.set(header, verified);
  }

  #forget(): void {
    this.#generation++;
    this.#verified.clear();
    this.#verifiedLength = 0;
  }

  #meterOf(meters: Map<string, KeyMeter>, id: string, grant: Grant): KeyMeter | undefined {
    if (!KeyMeter.isNeeded(grant)) return undefined;
    let meter = meters.get(id);
    if (meter) {
      meter.grant = grant;
      return meter;
    }
    if (meters.size >= maxIdleMeters) {
      for (const [other, { isIdle }] of meters) if (isIdle) meters.delete(other);
      // What was verified has its meter: no key or subject may get a second one by another header.
      this.#forget();
    }
    meters.set(id, meter = new KeyMeter(grant, this.#options.clock));
    return meter;
  }

  #update(): void {
    const { keys, required } = this.#options;
    this.#forget();
    this.#byId.clear();
    for (const record of keys.list()) this.#byId.set(record.id, record);
    for (const [id, meter] of this.#meters) {
      const record = this.#byId.get(id);
      if (record) meter.grant = record;
      else this.#meters.delete(id);
    }
    // A node does not open to anyone because its last key was revoked or its registry was emptied.
    this.#isRequired ||= required === "always" || keys.size > 0;
  }
}

function withoutRights(name: string): ServerledgeError {
  return new ServerledgeError(
    "FORBIDDEN",
    `Token of "${name}" has no rights: no row of api.tokens.rights matches its claims`,
    { details: { key: name } },
  );
}

/** Returns when a key must be verified again. */
function endOf({ expires, formerUntil = 0 }: KeyRecord, now: number): number {
  return Math.min(expires || Infinity, formerUntil > now ? formerUntil : Infinity);
}

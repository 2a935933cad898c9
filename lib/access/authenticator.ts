/**
 * Finds out who makes a request.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import type { RecordTable } from "../registry/record_table.ts";
import { KeyMeter } from "./key_meter.ts";
import { isExpired, isValid, type KeyRecord, parseKey } from "./key.ts";
import {
  anyone,
  clusterMember,
  GrantedPrincipal,
  type Principal,
  stranger,
  unauthorized,
} from "./principal.ts";
import { FailedAttempts } from "./failed_attempts.ts";

/** Header with a key of a node. */
const isKey = /^bearer +sl_/i;
/** Maximum number of verified headers that are remembered. */
const maxVerified = 10_000;

/** Part of a request that authenticates it. */
export type Credentials = Pick<IncomingRequest, "headers" | "client" | "peer">;

/** Authenticates requests. */
export interface Authenticator {
  /**
   * Returns the client of a request.
   *
   * @throws `UNAUTHORIZED` for a key that is not valid, `QUOTA_EXCEEDED` after many such keys of one address
   */
  authenticate(request: Credentials): Principal;
  /** True if requests need a key. */
  readonly isRequired: boolean;
}

/** A verified key. */
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
  /** Returns whether anyone may invoke a function. */
  readonly isPublic: (functionName: string) => boolean;
}

/** Authenticates by keys, which it finds in memory. */
export class KeyAuthenticator implements Authenticator, Disposable {
  readonly #options: KeyAuthenticatorOptions;
  readonly #stranger: Principal;
  readonly #attempts: FailedAttempts;
  readonly #watch: Disposable;
  readonly #byId = new Map<string, KeyRecord>();
  /** By the value of the header. One look-up replaces a hash for each request. */
  readonly #verified = new Map<string, Verified>();
  /** By the id of the key, for keys with quotas that were used. */
  readonly #meters = new Map<string, KeyMeter>();
  #isRequired = false;

  /** Creates an authenticator that follows the keys until it is disposed. */
  constructor(options: KeyAuthenticatorOptions) {
    this.#options = options;
    this.#stranger = stranger(options.isPublic);
    this.#attempts = new FailedAttempts(options.clock);
    this.#watch = options.keys.onChange(() => this.#update());
    this.#update();
  }

  get isRequired(): boolean {
    return this.#isRequired;
  }

  authenticate({ headers, client, peer }: Credentials): Principal {
    if (!this.#isRequired) return anyone;
    if (peer && !peer.forClient) return clusterMember;
    const header = headers.get("authorization");
    // Public functions may have keys of their own.
    if (header === null || !isKey.test(header)) return this.#stranger;
    const verified = this.#verified.get(header);
    if (verified && verified.until > this.#options.clock.wall()) return verified.principal;
    // A balancer has counted the attempts of its clients.
    return this.#verify(header, peer ? undefined : client);
  }

  /** Stops following the keys. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
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
      this.#meterOf(record),
    );
    if (this.#verified.size >= maxVerified) this.#verified.clear();
    this.#verified.set(header, { principal, until: endOf(record, now) });
    return principal;
  }

  #meterOf(record: KeyRecord): KeyMeter | undefined {
    if (!KeyMeter.isNeeded(record)) return undefined;
    let meter = this.#meters.get(record.id);
    if (!meter) this.#meters.set(record.id, meter = new KeyMeter(record, this.#options.clock));
    return meter;
  }

  #update(): void {
    const { keys, required } = this.#options;
    this.#verified.clear();
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

/** Returns when a key must be verified again. */
function endOf({ expires, formerUntil = 0 }: KeyRecord, now: number): number {
  return Math.min(expires || Infinity, formerUntil > now ? formerUntil : Infinity);
}

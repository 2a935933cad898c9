/**
 * The audit record: who has done what, from where, and with which result, one line of JSON for each request.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { RefusalLimit } from "./refusal_limit.ts";

/** Maximum length of lines that wait to be written. */
const maxWaiting = 1 << 20;
/** Time for which lines are gathered, since a write for each would cost as much as an invocation, ms. */
const gatherMs = 50;
/** Interval between attempts to write after a failure, ms. */
const retryMs = 1_000;
/** Interval between lines about refused requests that were not recorded, ms. */
const omittedMs = 10_000;

/** One request. */
export interface AuditEntry {
  /** Name of the key or token; `anonymous` without any. */
  readonly name: string;
  /** Id of the key. */
  readonly key?: string | undefined;
  readonly role?: string | undefined;
  /** Address of the client. */
  readonly address: string;
  /** Id of the balancer that has passed the request on. */
  readonly via?: string | undefined;
  readonly method: string;
  /** Pattern of the path. */
  readonly route: string;
  /** Name of the function, key, secret or image. */
  readonly target?: string | undefined;
  /** HTTP status of the response. */
  readonly status: number;
  /** Code of the error that it reports. */
  readonly code?: ErrorCode | undefined;
}

/** Codes of requests that were refused because of who made them, or how many. */
const refusals: ReadonlySet<ErrorCode | undefined> = new Set<ErrorCode>([
  "UNAUTHORIZED",
  "FORBIDDEN",
  "QUOTA_EXCEEDED",
]);

/** Returns whether a request was refused because of who made it, or how many. */
export function isRefusal(code: ErrorCode | undefined): boolean {
  return refusals.has(code);
}

/** Where the lines go. */
export interface AuditSink {
  /** Where it is, for messages. */
  readonly path: string;
  /** Appends lines completely, or not at all. */
  append(lines: string): Promise<void>;
}

/** Returns the line of an entry. */
export function auditLine(entry: AuditEntry, node: string, wallMs: number): string {
  return `${JSON.stringify({ time: new Date(wallMs).toISOString(), node, ...entry })}\n`;
}

/**
 * Writes the record. Requests never wait for the disk: lines wait in memory while it is full, and are lost and
 * counted only when there are too many.
 */
export class AuditLog implements AsyncDisposable {
  readonly #sink: AuditSink;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #limit: RefusalLimit;
  #waiting: string[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;
  #failure: string | undefined;
  #lost = 0;
  /** Cancels the timer of the next write; undefined without one. */
  #stopTimer: (() => void) | undefined;
  #stopOmitted: (() => void) | undefined;

  /**
   * Creates an empty record.
   *
   * @param node id of the node
   */
  constructor(sink: AuditSink, node: string, clock: Clock) {
    this.#sink = sink;
    this.#node = node;
    this.#clock = clock;
    this.#limit = new RefusalLimit(clock);
  }

  /** Number of records that were lost since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Current problems. */
  problems(): string[] {
    if (this.#failure === undefined) return [];
    const counts = `${this.#waiting.length} records wait, ${this.#lost} are lost`;
    return [`audit: cannot write ${this.#sink.path}: ${this.#failure}; ${counts}`];
  }

  /** Records a request. Of many refused ones of an address, only some are recorded, and the others counted. */
  add(entry: AuditEntry): void {
    if (isRefusal(entry.code) && !this.#limit.admits(entry.address)) {
      this.#stopOmitted ??= this.#clock.after(omittedMs, () => this.#addOmitted());
      return;
    }
    this.#addLine(auditLine(entry, this.#node, this.#clock.wall()));
  }

  /** Writes what waits, once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#addOmitted();
    await this.#flush();
    this.#stopTimer?.();
  }

  #addOmitted(): void {
    this.#stopOmitted?.();
    this.#stopOmitted = undefined;
    const omitted = this.#limit.takeOmitted();
    if (!omitted) return;
    const time = new Date(this.#clock.wall()).toISOString();
    const { count, addresses } = omitted;
    this.#addLine(`${JSON.stringify({ time, node: this.#node, omitted: count, addresses })}\n`);
  }

  #addLine(line: string): void {
    if (this.#waitingLength + line.length > maxWaiting) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    this.#flushAfter(gatherMs);
  }

  #flushAfter(delayMs: number): void {
    this.#stopTimer ??= this.#clock.after(delayMs, () => {
      this.#stopTimer = undefined;
      void this.#flush();
    });
  }

  #flush(): Promise<void> {
    return this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const count = this.#waiting.length;
      const lines = this.#waiting.join("");
      try {
        await this.#sink.append(lines);
      } catch (error) {
        this.#failure = (error as Error).message;
        this.#flushAfter(retryMs);
        return;
      }
      this.#failure = undefined;
      this.#waiting.splice(0, count);
      this.#waitingLength -= lines.length;
    }
  }
}

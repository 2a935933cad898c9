/**
 * Recorder of outcomes and durations.
 *
 * @module
 */

import { Histogram, threeDigits, twoDigits } from "./histogram.ts";
import { okOutcome, type ReportFields, type Validation } from "./response_validator.ts";
import type { RequestKind, ScheduledRequest } from "./plan.ts";

/** Maximum number of slices; beyond it, pairs are merged. */
const maxSlices = 120;
/** Maximum number of nodes distinguished. */
const maxNodes = 1000;

/** Counts of one kind in a slice of time. */
export interface Slice {
  /** Requests due. */
  due: number;
  /** Successful requests that ended. */
  good: number;
  /** Failed requests that ended. */
  failed: number;
  /** Response times of successful requests that ended. */
  response: Histogram;
}

/** Statistics from the reports of invocations of one kind. */
export interface ReportStatistics {
  /** Execution times. */
  readonly execution: Histogram;
  /** Times from arrival to execution, by start tier. */
  readonly init: Map<string, Histogram>;
  /** Times in the wait queue. */
  readonly queueing: Histogram;
  /** Latencies of offloaded invocations. */
  readonly offload: Histogram;
  /** Counts by place: node and area separated by a line break. */
  readonly where: Map<string, number>;
}

/** Measurements of one kind. */
export interface KindRecord {
  /** Requests due. */
  due: number;
  /** Successful requests that ended within the measured time. */
  goodInTime: number;
  /** Successful requests within the limit. */
  withinLimit: number;
  /** Bytes of response bodies. */
  bytes: number;
  /** Counts by outcome. */
  readonly outcomes: Map<string, number>;
  /** First message of each outcome. */
  readonly messages: Map<string, string>;
  /** Times from when a request was due to its successful response. */
  readonly response: Histogram;
  /** Times from when a request was sent. */
  readonly service: Histogram;
  readonly server: ReportStatistics;
  /** Counts over time. */
  readonly slices: Slice[];
}

/** Recorder of a run. */
export class Recorder {
  /** Measurements by index of the kind. */
  readonly records: readonly KindRecord[];
  /** Times from when a request was due until it was sent. */
  readonly lag = new Histogram(threeDigits);
  /** Response times since the last call of `takeRecent`. */
  #recent = new Histogram(twoDigits);
  #recentFailed = 0;
  #sliceMs: number;
  #lastMs = 0;
  readonly #kinds: readonly RequestKind[];
  readonly #warmUpMs: number;
  readonly #endMs: number;

  /**
   * Creates a recorder without measurements.
   *
   * @param kinds all kinds of the run
   * @param warmUpMs warm-up, whose requests are not recorded
   * @param durationMs measured time
   * @param sliceMs length of a slice
   */
  constructor(
    kinds: readonly RequestKind[],
    warmUpMs: number,
    durationMs: number,
    sliceMs: number = sliceLengthMs(durationMs),
  ) {
    this.#kinds = kinds;
    this.#warmUpMs = warmUpMs;
    this.#endMs = warmUpMs + durationMs;
    this.#sliceMs = sliceMs;
    this.records = kinds.map(emptyRecord);
  }

  /** Current length of a slice, ms. */
  get sliceMs(): number {
    return this.#sliceMs;
  }

  /** Time of the last event recorded, ms after the start. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Records that a request is due, unless that was during the warm-up. */
  recordDue(request: ScheduledRequest): void {
    if (request.dueMs < this.#warmUpMs) return;
    this.#lastMs = Math.max(this.#lastMs, request.dueMs);
    this.records[request.kind]!.due++;
    this.#slice(request.kind, request.dueMs).due++;
  }

  /**
   * Records the end of a request.
   *
   * @param validation its outcome
   * @param endMs time, ms after the start
   * @param bytes length of the response body
   */
  recordEnd(
    request: ScheduledRequest,
    { outcome, message, report }: Validation,
    endMs: number,
    bytes: number,
  ): void {
    const isOk = outcome === okOutcome;
    if (isOk) this.#recent.record(endMs - request.dueMs);
    else this.#recentFailed++;
    if (request.dueMs < this.#warmUpMs) return;
    this.#lastMs = Math.max(this.#lastMs, endMs);
    const record = this.records[request.kind]!;
    record.outcomes.set(outcome, (record.outcomes.get(outcome) ?? 0) + 1);
    if (message && !record.messages.has(outcome)) record.messages.set(outcome, message);
    record.bytes += bytes;
    if (!Number.isNaN(request.sentMs)) this.lag.record(request.sentMs - request.dueMs);
    if (report) recordReport(record.server, report);
    const slice = this.#slice(request.kind, endMs);
    if (!isOk) {
      slice.failed++;
      return;
    }
    const responseMs = endMs - request.dueMs;
    slice.good++;
    slice.response.record(responseMs);
    if (endMs <= this.#endMs) record.goodInTime++;
    record.response.record(responseMs);
    record.service.record(endMs - request.sentMs);
    if (responseMs <= (this.#kinds[request.kind]!.limitMs ?? Infinity)) record.withinLimit++;
  }

  /** Returns and clears the requests that ended since the last call. */
  takeRecent(): { readonly response: Histogram; readonly failed: number } {
    const recent = { response: this.#recent, failed: this.#recentFailed };
    this.#recent = new Histogram(twoDigits);
    this.#recentFailed = 0;
    return recent;
  }

  /** Returns the slice of a time. */
  #slice(kind: number, atMs: number): Slice {
    let index = Math.floor((atMs - this.#warmUpMs) / this.#sliceMs);
    while (index >= maxSlices) {
      this.#sliceMs *= 2;
      for (const { slices } of this.records) mergePairs(slices);
      index = Math.floor((atMs - this.#warmUpMs) / this.#sliceMs);
    }
    const { slices } = this.records[kind]!;
    while (slices.length <= index) slices.push(emptySlice());
    return slices[index]!;
  }
}

/** Returns a round length of slices that gives about 60 of them. */
function sliceLengthMs(durationMs: number): number {
  const lengths = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
  return lengths.find((ms) => durationMs / ms <= 60) ?? durationMs / 60;
}

/**
 * Adds a slice to another.
 *
 * @param into slice to change
 */
export function addSlice(into: Slice, from: Slice): void {
  into.due += from.due;
  into.good += from.good;
  into.failed += from.failed;
  into.response.add(from.response);
}

function mergePairs(slices: Slice[]): void {
  for (let at = 0; at * 2 < slices.length; at++) {
    const one = slices[at * 2]!;
    const other = slices[at * 2 + 1];
    if (other) addSlice(one, other);
    slices[at] = one;
  }
  slices.length = Math.ceil(slices.length / 2);
}

function recordReport(server: ReportStatistics, report: ReportFields): void {
  const init = server.init.get(report.tier) ?? new Histogram(threeDigits);
  server.init.set(report.tier, init);
  init.record(report.initMs);
  server.execution.record(report.executionMs);
  server.queueing.record(report.queueingMs);
  if (report.offloadMs > 0) server.offload.record(report.offloadMs);
  const place = `${report.node}\n${report.area}`;
  const count = server.where.get(place);
  if (count !== undefined || server.where.size < maxNodes) {
    server.where.set(place, (count ?? 0) + 1);
  }
}

/** Creates an empty slice. */
export function emptySlice(): Slice {
  return { due: 0, good: 0, failed: 0, response: new Histogram(twoDigits) };
}

/** Creates an empty record. */
export function emptyRecord(): KindRecord {
  return {
    due: 0,
    goodInTime: 0,
    withinLimit: 0,
    bytes: 0,
    outcomes: new Map(),
    messages: new Map(),
    response: new Histogram(threeDigits),
    service: new Histogram(threeDigits),
    server: {
      execution: new Histogram(threeDigits),
      init: new Map(),
      queueing: new Histogram(threeDigits),
      offload: new Histogram(threeDigits),
      where: new Map(),
    },
    slices: [],
  };
}

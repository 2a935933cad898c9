/**
 * Takes note of each request: what became of it, how long it took, and when.
 *
 * @module
 */

import { Histogram, threeDigits, twoDigits } from "./histogram.ts";
import { good, type ReportFacts, type Verdict } from "./judge.ts";
import type { RequestKind, Shot } from "./plan.ts";

/** Most slices of a run; beyond it, two become one. */
const maxSlices = 120;
/** Most nodes that are told apart. */
const maxNodes = 1000;

/** What happened in one span of time, of one kind. */
export interface Slice {
  /** Requests that were due in it. */
  due: number;
  /** Good answers that came in it. */
  good: number;
  /** Other ends in it. */
  failed: number;
  /** Response times of the good answers that came in it. */
  response: Histogram;
}

/** What reports told of the invocations of one kind. */
export interface ServerSide {
  /** Execution in the instance. */
  readonly execution: Histogram;
  /** Arrival to execution, by start tier. */
  readonly init: Map<string, Histogram>;
  /** Waiting in the queue. */
  readonly queueing: Histogram;
  /** Sending to another node, of those that were sent. */
  readonly offload: Histogram;
  /** How many ran where, by `node` and `area` with a line break between. */
  readonly where: Map<string, number>;
}

/** All that counts of one kind. */
export interface KindRecord {
  /** Requests that were due. */
  due: number;
  /** Good answers that came before the end of the time that counts. */
  goodInTime: number;
  /** Good answers within the limit of the kind. */
  withinLimit: number;
  /** Bytes of bodies of all answers. */
  bytes: number;
  /** How many ended how. */
  readonly outcomes: Map<string, number>;
  /** What was said of the first failure of each name. */
  readonly messages: Map<string, string>;
  /** From when a request was due to its good answer. */
  readonly response: Histogram;
  /** From when it was sent. */
  readonly service: Histogram;
  /** What reports told. */
  readonly server: ServerSide;
  /** Over time. */
  readonly slices: Slice[];
}

/** Records a run. */
export class Recorder {
  /** By index of the kind. */
  readonly records: readonly KindRecord[];
  /** From when a request was due until it was sent: how late the generator was. */
  readonly lag = new Histogram(threeDigits);
  /** Answers since it was last taken: for progress. */
  #recent = new Histogram(twoDigits);
  #recentFailed = 0;
  #sliceMs: number;
  #lastMs = 0;
  readonly #kinds: readonly RequestKind[];
  readonly #warmUpMs: number;
  readonly #endMs: number;

  /**
   * Nothing recorded yet.
   *
   * @param kinds all kinds of the run
   * @param warmUpMs what was due before does not count
   * @param durationMs how long it counts then
   * @param sliceMs length of the slices
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

  /** Length of the slices, ms. */
  get sliceMs(): number {
    return this.#sliceMs;
  }

  /** When the last thing that counts happened, ms after the start. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** A request is due. */
  due(shot: Shot): void {
    if (shot.dueMs < this.#warmUpMs) return;
    this.#lastMs = Math.max(this.#lastMs, shot.dueMs);
    this.records[shot.kind]!.due++;
    this.#slice(shot.kind, shot.dueMs).due++;
  }

  /**
   * A request has ended.
   *
   * @param shot the request
   * @param verdict what became of it
   * @param endMs when, ms after the start
   * @param bytes length of the answer's body
   */
  ended(shot: Shot, { outcome, message, report }: Verdict, endMs: number, bytes: number): void {
    const isGood = outcome === good;
    if (isGood) this.#recent.record(endMs - shot.dueMs);
    else this.#recentFailed++;
    if (shot.dueMs < this.#warmUpMs) return;
    this.#lastMs = Math.max(this.#lastMs, endMs);
    const record = this.records[shot.kind]!;
    record.outcomes.set(outcome, (record.outcomes.get(outcome) ?? 0) + 1);
    if (message && !record.messages.has(outcome)) record.messages.set(outcome, message);
    record.bytes += bytes;
    if (!Number.isNaN(shot.sentMs)) this.lag.record(shot.sentMs - shot.dueMs);
    if (report) recordReport(record.server, report);
    const slice = this.#slice(shot.kind, endMs);
    if (!isGood) {
      slice.failed++;
      return;
    }
    const responseMs = endMs - shot.dueMs;
    slice.good++;
    slice.response.record(responseMs);
    if (endMs <= this.#endMs) record.goodInTime++;
    record.response.record(responseMs);
    record.service.record(endMs - shot.sentMs);
    if (responseMs <= (this.#kinds[shot.kind]!.limitMs ?? Infinity)) record.withinLimit++;
  }

  /** What ended since this was last asked for. */
  takeRecent(): { readonly response: Histogram; readonly failed: number } {
    const recent = { response: this.#recent, failed: this.#recentFailed };
    this.#recent = new Histogram(twoDigits);
    this.#recentFailed = 0;
    return recent;
  }

  /** The slice of a time, which begins with the time that counts. */
  #slice(kind: number, atMs: number): Slice {
    let index = Math.floor((atMs - this.#warmUpMs) / this.#sliceMs);
    while (index >= maxSlices) {
      this.#sliceMs *= 2;
      for (const { slices } of this.records) halve(slices);
      index = Math.floor((atMs - this.#warmUpMs) / this.#sliceMs);
    }
    const { slices } = this.records[kind]!;
    while (slices.length <= index) slices.push(emptySlice());
    return slices[index]!;
  }
}

/** About 60 slices, of a length that people count in. */
function sliceLengthMs(durationMs: number): number {
  const lengths = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];
  return lengths.find((ms) => durationMs / ms <= 60) ?? durationMs / 60;
}

/**
 * Adds what happened in one span to another.
 *
 * @param into changed
 * @param from added to it
 */
export function addSlice(into: Slice, from: Slice): void {
  into.due += from.due;
  into.good += from.good;
  into.failed += from.failed;
  into.response.add(from.response);
}

function halve(slices: Slice[]): void {
  for (let at = 0; at * 2 < slices.length; at++) {
    const one = slices[at * 2]!;
    const other = slices[at * 2 + 1];
    if (other) addSlice(one, other);
    slices[at] = one;
  }
  slices.length = Math.ceil(slices.length / 2);
}

function recordReport(server: ServerSide, report: ReportFacts): void {
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

/** Nothing happened yet. */
export function emptySlice(): Slice {
  return { due: 0, good: 0, failed: 0, response: new Histogram(twoDigits) };
}

/** Nothing recorded yet. */
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

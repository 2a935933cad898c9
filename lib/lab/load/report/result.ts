/**
 * What a run found, as it stands in the JSON file.
 *
 * @module
 */

import type { Histogram } from "../histogram.ts";
import type { GeneratorFacts } from "../generator.ts";
import { good } from "../judge.ts";
import type { LoadPlan } from "../plan.ts";
import type { KindRecord, Recorder, ServerSide, Slice } from "../recorder.ts";
import { sumUp } from "./sum_records.ts";

/** How durations are spread, ms. */
export interface Spread {
  /** How many. */
  readonly count: number;
  /** Mean. */
  readonly mean: number;
  /** Shortest. */
  readonly min: number;
  /** Median. */
  readonly p50: number;
  /** 90th percentile. */
  readonly p90: number;
  /** 95th percentile. */
  readonly p95: number;
  /** 99th percentile. */
  readonly p99: number;
  /** 99.9th percentile. */
  readonly p999: number;
  /** Longest. */
  readonly max: number;
}

/** A span of time of one kind; times in s after the warm-up, durations in ms. */
export interface SliceResult {
  /** Begin. */
  readonly at: number;
  /** Length. */
  readonly seconds: number;
  /** Requests that were due in it. */
  readonly due: number;
  /** Good answers that came in it. */
  readonly ok: number;
  /** Other ends in it. */
  readonly failed: number;
  /** Mean response time of its good answers. */
  readonly mean?: number;
  /** Median response time of its good answers. */
  readonly p50?: number;
  /** 90th percentile. */
  readonly p90?: number;
  /** 99th percentile. */
  readonly p99?: number;
}

/** What reports told of invocations. */
export interface ServerResult {
  /** Arrival to execution by start tier: `warm`, or what had to be started. */
  readonly initMs: Readonly<Record<string, Spread | undefined>>;
  /** Execution in the instance. */
  readonly executionMs: Spread | undefined;
  /** Waiting in the queue. */
  readonly queueingMs: Spread | undefined;
  /** Sending to another node, of those that were sent. */
  readonly offloadMs: Spread | undefined;
  /** How many ran where. */
  readonly where: readonly {
    readonly node: string;
    readonly area: string;
    readonly count: number;
  }[];
}

/** What a run found of one kind of requests, or of all. */
export interface KindResult {
  /** Function, or path of a plain URL; `all` in the sum. */
  readonly function: string;
  /** QoS class; empty if there is none. */
  readonly class: string;
  /** Requests that were due. */
  readonly due: number;
  /** Good answers. */
  readonly ok: number;
  /** Requests that ended otherwise. */
  readonly failed: number;
  /** Good answers per second within the time that counts. */
  readonly rate: number;
  /** Requests that were due per second. */
  readonly offeredRate: number;
  /** Bytes of answers' bodies. */
  readonly bytes: number;
  /** How many ended how: `ok`, error codes of the node, `http_500` and the like. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** What was said of the first failure of each name, where something was. */
  readonly messages: Readonly<Record<string, string>>;
  /** Response-time limit, ms. */
  readonly limitMs?: number;
  /** Share of the requests that were answered well within the limit. */
  readonly withinLimit?: number;
  /** From when a request was due to its good answer. */
  readonly responseMs: Spread | undefined;
  /** From when it was sent. */
  readonly serviceMs: Spread | undefined;
  /** What reports told; none of plain URLs. */
  readonly server?: ServerResult;
  /** Response times: the share of good answers that took at most as long. */
  readonly curve: readonly { readonly ms: number; readonly share: number }[];
  /** Over time. */
  readonly slices: readonly SliceResult[];
}

/** What a run found. */
export interface LoadResult {
  /** When it began, ISO 8601. */
  readonly startedAt: string;
  /** What made it: program, version, machine. */
  readonly by: Readonly<Record<string, string>>;
  /** What was asked for, in words. */
  readonly load: string;
  /** Where requests went. */
  readonly targets: readonly string[];
  /** Time before anything counted, s. */
  readonly warmUpS: number;
  /** Time that counts, s. */
  readonly seconds: number;
  /** True if it was ended early. */
  readonly isInterrupted: boolean;
  /** Requests without an answer when it was ended early. */
  readonly cutOff: number;
  /** All kinds together. */
  readonly total: KindResult;
  /** Each kind, in the order in which they were given. */
  readonly kinds: readonly KindResult[];
  /** How the generator did. */
  readonly generator: GeneratorResult;
}

/** How the generator did. */
export interface GeneratorResult {
  /** CPU time of the process as a share of one core. */
  readonly cpuShare: number;
  /** From when requests of an open loop were due until they were sent, ms. */
  readonly lagMs: Spread | undefined;
  /** Most connections at once. */
  readonly connections: number;
  /** Why the generator, not the target, may have been the limit; empty if nothing speaks for it. */
  readonly limits: readonly string[];
}

/** What a run was, besides what was recorded. */
export interface RunFacts {
  /** When it began, ISO 8601. */
  readonly startedAt: string;
  /** What makes it. */
  readonly by: Readonly<Record<string, string>>;
  /** What was asked for, in words. */
  readonly load: string;
  /** Where requests went. */
  readonly targets: readonly string[];
}

/** CPU share above which the generator counts as busy. */
const busyShare = 0.9;
/** Lateness (99th percentile) above which an open loop counts as behind, ms. */
const lateMs = 20;
/** Most points of a curve. */
const curvePoints = 200;

/**
 * Sums a run up.
 *
 * @param plan what was asked for
 * @param recorder what happened
 * @param facts how the generator did
 * @param run what else is told
 */
export function resultOf(
  plan: LoadPlan,
  recorder: Recorder,
  facts: GeneratorFacts,
  run: RunFacts,
): LoadResult {
  const seconds = Math.max(0, facts.endMs - plan.warmUpMs) / 1000;
  const { sliceMs } = recorder;
  const one = (record: KindRecord, names: Pick<KindResult, "function" | "class">, limit?: number) =>
    kindResult(record, names, limit, seconds, sliceMs);
  return {
    ...run,
    warmUpS: plan.warmUpMs / 1000,
    seconds,
    isInterrupted: facts.isInterrupted,
    cutOff: facts.cutOff,
    total: one(sumUp(recorder.records), { function: "all", class: "" }),
    kinds: plan.kinds.map((kind, at) => one(recorder.records[at]!, kind, kind.limitMs)),
    generator: {
      cpuShare: facts.cpuShare,
      lagMs: plan.loop.kind === "open" ? spreadOf(recorder.lag) : undefined,
      connections: facts.connections,
      limits: limitsOf(plan, recorder, facts),
    },
  };
}

function kindResult(
  record: KindRecord,
  names: Pick<KindResult, "function" | "class">,
  limitMs: number | undefined,
  seconds: number,
  sliceMs: number,
): KindResult {
  const ok = record.outcomes.get(good) ?? 0;
  const ended = record.outcomes.values().reduce((sum, count) => sum + count, 0);
  const perSecond = (count: number) => seconds > 0 ? count / seconds : 0;
  return {
    function: names.function,
    class: names.class,
    due: record.due,
    ok,
    failed: ended - ok,
    rate: perSecond(record.goodInTime),
    offeredRate: perSecond(record.due),
    bytes: record.bytes,
    outcomes: Object.fromEntries([...record.outcomes].sort((a, b) => b[1] - a[1])),
    messages: Object.fromEntries(record.messages),
    ...(limitMs !== undefined && {
      limitMs,
      withinLimit: record.due === 0 ? 0 : record.withinLimit / record.due,
    }),
    responseMs: spreadOf(record.response),
    serviceMs: spreadOf(record.service),
    ...(record.server.execution.count > 0 && { server: serverResult(record.server) }),
    curve: curveOf(record.response),
    slices: record.slices.map((slice, at) => sliceResult(slice, at, sliceMs)),
  };
}

function serverResult(server: ServerSide): ServerResult {
  const where = [...server.where].map(([place, count]) => {
    const [node = "", area = ""] = place.split("\n");
    return { node, area, count };
  });
  return {
    initMs: Object.fromEntries(
      [...server.init].map(([tier, init]) => [tier, spreadOf(init)] as const),
    ),
    executionMs: spreadOf(server.execution),
    queueingMs: spreadOf(server.queueing),
    offloadMs: spreadOf(server.offload),
    where: where.sort((a, b) => b.count - a.count),
  };
}

function sliceResult({ due, good, failed, response }: Slice, at: number, sliceMs: number) {
  return {
    at: at * sliceMs / 1000,
    seconds: sliceMs / 1000,
    due,
    ok: good,
    failed,
    ...(response.count > 0 && {
      mean: response.meanMs,
      p50: response.quantileMs(0.5),
      p90: response.quantileMs(0.9),
      p99: response.quantileMs(0.99),
    }),
  };
}

/**
 * Sums durations up.
 *
 * @param histogram the durations
 * @returns undefined if there are none
 */
export function spreadOf(histogram: Histogram): Spread | undefined {
  if (histogram.count === 0) return undefined;
  return {
    count: histogram.count,
    mean: histogram.meanMs,
    min: histogram.minMs,
    p50: histogram.quantileMs(0.5),
    p90: histogram.quantileMs(0.9),
    p95: histogram.quantileMs(0.95),
    p99: histogram.quantileMs(0.99),
    p999: histogram.quantileMs(0.999),
    max: histogram.maxMs,
  };
}

/** The curve of shares, dense at its end, where percentiles lie. */
function curveOf(histogram: Histogram): { ms: number; share: number }[] {
  const points: { ms: number; share: number }[] = [];
  let shown = -1;
  for (const { ms, upTo } of histogram.steps()) {
    const share = upTo / histogram.count;
    // Equal steps of the number of nines, and of the share where that moves little.
    const step = Math.floor((-Math.log10(Math.max(1e-7, 1 - share)) / 7 + share) / 2 * curvePoints);
    if (step === shown && share < 1) continue;
    shown = step;
    points.push({ ms, share });
  }
  return points;
}

function limitsOf(plan: LoadPlan, recorder: Recorder, facts: GeneratorFacts): string[] {
  const limits: string[] = [];
  if (facts.cpuShare >= busyShare) {
    limits.push(`it was busy for ${percent(facts.cpuShare)} of a core`);
  }
  const lag = recorder.lag.quantileMs(0.99);
  if (facts.lacksConnections) {
    limits.push(`requests waited for one of ${plan.maxConnections} connections (--connections)`);
  } else if (plan.loop.kind === "open" && lag > lateMs) {
    limits.push(`it sent 1 % of the requests more than ${lag.toFixed(0)} ms late`);
  }
  const unsent = recorder.records.reduce(
    (sum, { outcomes }) => sum + (outcomes.get("not_sent") ?? 0),
    0,
  );
  if (unsent > 0) limits.push(`${unsent} requests could not be sent in time`);
  return limits;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/**
 * Result of a run, as written to the JSON file.
 *
 * @module
 */

import { quantity } from "../../../base/quantity.ts";
import type { Histogram } from "../histogram.ts";
import type { GeneratorFacts } from "../generator.ts";
import { okOutcome } from "../response_validator.ts";
import type { LoadPlan } from "../plan.ts";
import type { KindRecord, Recorder, ReportStatistics, Slice } from "../recorder.ts";
import { sumUp } from "./sum_records.ts";

/** Statistics of durations, ms. */
export interface Percentiles {
  /** Number of durations. */
  readonly count: number;
  readonly mean: number;
  /** Minimum. */
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
  /** Maximum. */
  readonly max: number;
}

/** Slice of time of one kind; times in s after the warm-up, durations in ms. */
export interface SliceResult {
  /** Start. */
  readonly at: number;
  /** Length. */
  readonly seconds: number;
  /** Requests due. */
  readonly due: number;
  /** Successful requests that ended. */
  readonly ok: number;
  /** Failed requests that ended. */
  readonly failed: number;
  /** Mean response time of successful requests. */
  readonly mean?: number;
  /** Median response time. */
  readonly p50?: number;
  /** 90th percentile. */
  readonly p90?: number;
  /** 99th percentile. */
  readonly p99?: number;
}

/** Statistics from the reports of invocations. */
export interface ServerResult {
  /** Times from arrival to execution, by start tier. */
  readonly initMs: Readonly<Record<string, Percentiles | undefined>>;
  /** Execution times. */
  readonly executionMs: Percentiles | undefined;
  /** Times in the wait queue. */
  readonly queueingMs: Percentiles | undefined;
  /** Latencies of offloaded invocations. */
  readonly offloadMs: Percentiles | undefined;
  /** Counts by place. */
  readonly where: readonly {
    readonly node: string;
    readonly area: string;
    readonly count: number;
  }[];
}

/** Result for one kind of requests, or the total. */
export interface KindResult {
  /** Function, or path of a URL; `all` for the total. */
  readonly function: string;
  /** QoS class; empty if there is none. */
  readonly class: string;
  /** Requests due. */
  readonly due: number;
  /** Successful requests. */
  readonly ok: number;
  /** Failed requests. */
  readonly failed: number;
  /** Successful requests per second within the measured time. */
  readonly rate: number;
  /** Requests due per second. */
  readonly offeredRate: number;
  /** Bytes of response bodies. */
  readonly bytes: number;
  /** Counts by outcome: `ok`, error codes of the node, `http_500` and the like. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** First message of each outcome. */
  readonly messages: Readonly<Record<string, string>>;
  /** Response-time limit, ms. */
  readonly limitMs?: number;
  /** Share of the requests that succeeded within the limit. */
  readonly withinLimit?: number;
  /** Times from when a request was due to its successful response. */
  readonly responseMs: Percentiles | undefined;
  /** Times from when a request was sent. */
  readonly serviceMs: Percentiles | undefined;
  /** Statistics from reports; absent for URLs. */
  readonly server?: ServerResult;
  /** Cumulative distribution of response times. */
  readonly curve: readonly { readonly ms: number; readonly share: number }[];
  /** Counts over time. */
  readonly slices: readonly SliceResult[];
}

/** Result of a run. */
export interface LoadResult {
  /** Start, ISO 8601. */
  readonly startedAt: string;
  /** Program, version and machine of the generator. */
  readonly by: Readonly<Record<string, string>>;
  /** Description of the load. */
  readonly load: string;
  /** URLs of the servers. */
  readonly targets: readonly string[];
  readonly warmUpS: number;
  /** Measured time, s. */
  readonly seconds: number;
  /** True if the run was stopped early. */
  readonly isInterrupted: boolean;
  /** Requests in flight when the run was stopped early. */
  readonly cutOff: number;
  readonly total: KindResult;
  /** Results by kind, in the order of the plan. */
  readonly kinds: readonly KindResult[];
  /** Statistics of the generator. */
  readonly generator: GeneratorResult;
}

/** Statistics of the generator. */
export interface GeneratorResult {
  /** CPU time of the process as a share of one core. */
  readonly cpuShare: number;
  /** Times from when requests of an open loop were due until they were sent. */
  readonly lagMs: Percentiles | undefined;
  /** Peak number of connections. */
  readonly connections: number;
  /** Reasons why the generator, not the target, may have been the limit. */
  readonly limits: readonly string[];
}

/** Description of a run. */
export interface RunFacts {
  /** Start, ISO 8601. */
  readonly startedAt: string;
  /** Program, version and machine of the generator. */
  readonly by: Readonly<Record<string, string>>;
  /** Description of the load. */
  readonly load: string;
  /** URLs of the servers. */
  readonly targets: readonly string[];
}

/** CPU share above which the generator counts as busy. */
const busyShare = 0.9;
/** 99th percentile of the lag above which an open loop counts as late, ms. */
const lateMs = 20;
/** Maximum number of points of a curve. */
const curvePoints = 200;

/**
 * Summarizes a run.
 *
 * @param facts statistics of the generator
 * @param run description of the run
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
      lagMs: plan.loop.kind === "open" ? percentilesOf(recorder.lag) : undefined,
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
  const ok = record.outcomes.get(okOutcome) ?? 0;
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
    responseMs: percentilesOf(record.response),
    serviceMs: percentilesOf(record.service),
    ...(record.server.execution.count > 0 && { server: serverResult(record.server) }),
    curve: curveOf(record.response),
    slices: record.slices.map((slice, at) => sliceResult(slice, at, sliceMs)),
  };
}

function serverResult(server: ReportStatistics): ServerResult {
  const where = [...server.where].map(([place, count]) => {
    const [node = "", area = ""] = place.split("\n");
    return { node, area, count };
  });
  return {
    initMs: Object.fromEntries(
      [...server.init].map(([tier, init]) => [tier, percentilesOf(init)] as const),
    ),
    executionMs: percentilesOf(server.execution),
    queueingMs: percentilesOf(server.queueing),
    offloadMs: percentilesOf(server.offload),
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
 * Summarizes durations.
 *
 * @returns undefined if the histogram is empty
 */
export function percentilesOf(histogram: Histogram): Percentiles | undefined {
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

/** Thins out the cumulative distribution, less at its upper end. */
function curveOf(histogram: Histogram): { ms: number; share: number }[] {
  const points: { ms: number; share: number }[] = [];
  let shown = -1;
  for (const { ms, upTo } of histogram.steps()) {
    const share = upTo / histogram.count;
    // Steps are equal in the mean of share and number of nines.
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
    limits.push(`it used ${percent(facts.cpuShare)} of a core`);
  }
  const lag = recorder.lag.quantileMs(0.99);
  if (facts.lacksConnections) {
    limits.push(`requests waited for a connection (--connections ${plan.maxConnections})`);
  } else if (plan.loop.kind === "open" && lag > lateMs) {
    limits.push(`it sent 1 % of the requests more than ${lag.toFixed(0)} ms late`);
  }
  const unsent = recorder.records.reduce(
    (sum, { outcomes }) => sum + (outcomes.get("not_sent") ?? 0),
    0,
  );
  if (unsent > 0) limits.push(`${quantity(unsent, "request")} could not be sent in time`);
  return limits;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

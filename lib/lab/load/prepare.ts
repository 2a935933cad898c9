/**
 * Conversion of a scenario to a plan.
 *
 * @module
 */

import type { Trust } from "../../http/tls/trust.ts";
import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import { quantity } from "../../base/quantity.ts";
import {
  type Arrivals,
  burstyArrivals,
  constantArrivals,
  poissonArrivals,
  replayedArrivals,
} from "./arrivals.ts";
import { defaults, hardCaps, type LoadPlan, type RequestKind } from "./plan.ts";
import { kindOf } from "./request.ts";
import type { Scenario, ScenarioRequest } from "./scenario.ts";
import type { TraceRow } from "./trace.ts";

/** Defaults of bursts. */
const burstDefaults = { factor: 10, length: 1, pause: 9 };

/** Target of a run. */
export interface Target {
  /** Node or balancer for invocations, `http://HOST:PORT`. */
  readonly node: string;
  /** Key for that node; undefined: none. */
  readonly key?: string | undefined;
  /** True for any other server, whose responses are validated by status. */
  readonly isPlain: boolean;
  /** Rows of the scenario's trace. */
  readonly trace?: readonly TraceRow[];
  /** Certificates that are accepted in addition to those of public authorities. */
  readonly trust?: Trust | undefined;
}

/** A plan and its description. */
export interface Prepared {
  readonly plan: LoadPlan;
  /** Description of the load. */
  readonly load: string;
}

/**
 * Converts a scenario to a plan.
 *
 * @param scenario a valid scenario
 * @param target target of the run
 * @throws `INVALID_REQUEST` if keys are missing or contradict each other
 */
export function prepare(scenario: Scenario, target: Target): Prepared {
  const random = seededRandom(scenario.seed ?? defaults.seed);
  const { mix, arrivalsKinds } = withTrace(scenario, target.trace);
  if (mix.length === 0) {
    throw refused(
      "There is nothing to send: give serverledge bench FUNCTION, --url URL or --scenario FILE",
    );
  }
  if (mix.length > hardCaps.kinds) {
    throw refused(
      `The load has ${mix.length} functions and classes, but at most ${hardCaps.kinds} are supported`,
    );
  }
  const kinds: RequestKind[] = mix.map((request) => kindOf(request, target));
  const { loop, words } = loopOf(scenario, arrivalsKinds, random);
  // A warm-up would leave out the first seconds of a trace.
  const warmUpS = scenario.warmup ?? (target.trace ? 0 : defaults.warmUpS);
  const durationS = scenario.duration ??
    (target.trace ? durationOf(target.trace, warmUpS) : defaults.durationS);
  const maxRequests = scenario.requests ?? defaults.requests;
  const bounds = { warmUpS, durationS, maxRequests };
  const load = `${words}, ${durationS} s` +
    (warmUpS > 0 ? ` after ${warmUpS} s of warm-up` : "") +
    (target.trace ? omitted(target.trace, bounds) : "");
  const plan: LoadPlan = {
    loop,
    kinds,
    durationMs: durationS * 1000,
    warmUpMs: warmUpS * 1000,
    maxRequests,
    maxConnections: Math.max(
      scenario.connections ?? defaults.connections,
      loop.kind === "closed" ? loop.clients : 1,
    ),
    timeoutMs: (scenario.timeout ?? defaults.timeoutS) * 1000,
    random,
    trust: target.trust,
  };
  return { plan, load };
}

/**
 * Checks the requests of a scenario without a target.
 *
 * @throws `INVALID_REQUEST` with the path of the first invalid one
 */
export function checkMix(mix: readonly ScenarioRequest[]): void {
  for (const [at, request] of mix.entries()) {
    try {
      kindOf(request, { node: "http://localhost", isPlain: true });
    } catch (cause) {
      const { code, message } = asServerledgeError(cause);
      const path = `mix.${at}`;
      throw new ServerledgeError(code, `${path}: ${message}`, { cause, details: { path } });
    }
  }
}

/** Duration of a trace in whole seconds, up to the maximum of a run. */
function durationOf(trace: readonly TraceRow[], warmUpS: number): number {
  const end = Math.floor(trace.at(-1)!.at) + 1;
  return Math.min(hardCaps.durationS, Math.max(1, end - warmUpS));
}

/** Describes how many requests of a trace are left out by the bounds. */
function omitted(
  trace: readonly TraceRow[],
  bounds: { warmUpS: number; durationS: number; maxRequests: number },
): string {
  const before = (end: number) => trace.reduce((count, { at }) => at < end ? count + 1 : count, 0);
  const { warmUpS, durationS, maxRequests } = bounds;
  const sent = Math.min(before(warmUpS + durationS), before(warmUpS) + maxRequests);
  const rest = trace.length - sent;
  return rest === 0 ? "" : `, without its last ${rest} of ${quantity(trace.length, "request")}`;
}

function loopOf(
  scenario: Scenario,
  replay: Arrivals | undefined,
  random: () => number,
): { readonly loop: LoadPlan["loop"]; readonly words: string } {
  const { rate, clients } = scenario;
  const arrivals = scenario.arrivals ?? (replay ? "trace" : rate ? "poisson" : "closed");
  if (scenario.burst && arrivals !== "bursty") {
    throw refused(`Only --arrivals bursty has bursts, not ${arrivals}`);
  }
  if (replay && arrivals !== "trace") {
    throw refused(`A trace defines the arrival times: remove ${arrivals} arrivals`);
  }
  const needed = () => {
    if (rate === undefined) throw refused(`There is no rate: ${arrivals} arrivals need --rate`);
    return rate;
  };
  if (arrivals === "closed") {
    if (rate !== undefined) {
      throw refused("A closed loop has no fixed rate: remove --rate");
    }
    const count = clients ?? defaults.clients;
    const think = scenario.think ?? 0;
    const words = `closed loop of ${quantity(count, "client")}` +
      (think > 0 ? ` with ${think} s of think time` : "");
    return { loop: { kind: "closed", clients: count, thinkMs: think * 1000 }, words };
  }
  if (clients !== undefined || scenario.think !== undefined) {
    throw refused(`Clients and think time belong to a closed loop, not to ${arrivals} arrivals`);
  }
  const open = (process: Arrivals, words: string) =>
    ({ loop: { kind: "open", arrivals: process }, words }) as const;
  if (arrivals === "trace") {
    if (!replay) throw refused("There is no trace: add --trace FILE");
    if (rate !== undefined) throw refused("A trace defines its rate: remove --rate");
    return open(replay, `open loop, replay of ${scenario.trace ?? "a trace"}`);
  }
  const seed = scenario.seed ?? defaults.seed;
  if (arrivals === "constant") return open(constantArrivals(needed()), `open loop, ${rate}/s`);
  if (arrivals === "poisson") {
    return open(poissonArrivals(needed(), random), `open loop, Poisson, ${rate}/s, seed ${seed}`);
  }
  const { factor, length, pause } = { ...burstDefaults, ...scenario.burst };
  return open(
    burstyArrivals({ rate: needed(), factor, burstS: length, calmS: pause }, random),
    `open loop, ${rate}/s on average, bursts of ${length} s every ${length + pause} s with ` +
      `${factor} times the rate (MMPP), seed ${seed}`,
  );
}

/** Adds the functions and classes that only the trace names to the mix. */
function withTrace(
  { mix = [] }: Scenario,
  trace: readonly TraceRow[] | undefined,
): { readonly mix: readonly ScenarioRequest[]; readonly arrivalsKinds: Arrivals | undefined } {
  if (!trace) return { mix, arrivalsKinds: undefined };
  const kinds = [...mix];
  const places = new Map<string, number | undefined>();
  const place = (row: TraceRow): number | undefined => {
    if (row.function === undefined && row.class === undefined) return undefined;
    const same = (at: ScenarioRequest) =>
      (row.function === undefined || at.function === row.function) &&
      (row.class === undefined || String(at.class ?? "0") === row.class);
    const found = kinds.findIndex(same);
    if (found >= 0) return found;
    // The same function in another class, or a function that only the trace names.
    const like = kinds.find((at) => row.function === undefined || at.function === row.function);
    if (!like && row.function === undefined) {
      throw refused("The trace names no function: give one on the command line");
    }
    kinds.push({
      ...like,
      function: row.function ?? like?.function,
      class: row.class ?? like?.class,
    });
    return kinds.length - 1;
  };
  const arrivals = trace.map((row) => {
    const key = `${row.function}\n${row.class}`;
    if (!places.has(key)) places.set(key, place(row));
    return { at: row.at, kind: places.get(key) };
  });
  return { mix: kinds, arrivalsKinds: replayedArrivals(arrivals) };
}

function refused(reason: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", reason);
}

/**
 * The most that any policy could achieve on stationary load, by a linear program that knows
 * everything: true distributions, rates, latencies. It sees requests as a fluid: nobody waits, no
 * start is ever cold, every byte of memory works all the time. No policy can reach it; how near one
 * comes is what it is for.
 *
 * @module
 */

import {
  type LinearSolver,
  ProgramBuilder,
} from "../../../policies/probabilistic/linear_program.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import type { QosClass } from "../../model/qos.ts";
import { truncatedNormal } from "./distributions.ts";
import { cutGammaMean, gammaCdf } from "./gamma.ts";
import { promiseTolerance } from "./results/results.ts";
import type { FunctionModel, NodeModel, Scenario } from "./scenario/model.ts";
import { flowKey } from "./results/tally.ts";

/** Worth of a promised request that is not served: far more than anything that could be gained by it. */
const breach = 1e4;
/** What the solver's answer may be off, requests per second. */
const tolerance = 1e-6;
/** Draws by which the mean size of requests is found. */
const sizeDraws = 2000;

/** Requests of one function and class that arrive at one node. */
interface Flow {
  readonly node: NodeModel;
  readonly fn: FunctionModel;
  readonly qosClass: QosClass;
  readonly rate: number;
}

/** What one request of a flow is and takes at one place. */
interface Service {
  /** Expected utility. */
  readonly worth: number;
  /** Memory times time, MiB s. */
  readonly memory: number;
}

/** What a class is promised of all its requests. */
interface Promised {
  /** Requests per second that must not be refused. */
  rate: number;
  /** Variables of its requests, with coefficients. */
  readonly places: [number, number][];
}

/**
 * Utility per second that no policy can exceed.
 *
 * @param scenario load that does not change over time
 * @param solver solves the program
 * @param flows requests that really came, by {@link flowKey}; without them the rates of the scenario
 * @returns NaN if nobody could keep what is promised to the classes, as nearly as is asked of policies
 * @throws `INVALID_REQUEST` if the load is not stationary
 */
export async function bestUtility(
  scenario: Scenario,
  solver: LinearSolver,
  flows?: ReadonlyMap<string, number>,
): Promise<number> {
  if (!isStationary(scenario)) {
    const message = "Only scenarios whose load, nodes and network never change have an optimum";
    throw new ServerledgeError("INVALID_REQUEST", message);
  }
  const builder = new ProgramBuilder();
  const memory = new Map<NodeModel, [number, number][]>();
  const costs = new Map<NodeModel, [number, number][]>();
  const worths: [number, number][] = [];
  const promises = new Map<QosClass, Promised>();
  for (const flow of flowsOf(scenario, flows)) {
    const places: [number, number][] = [];
    for (const target of scenario.nodes) {
      const service = serviceAt(target, flow, scenario);
      if (!service) continue;
      const variable = builder.variable(-service.worth, flow.rate);
      worths.push([variable, service.worth]);
      places.push([variable, 1]);
      entry(memory, target).push([variable, service.memory]);
      if (target.area !== scenario.cloud) continue;
      entry(costs, flow.node).push([variable, scenario.cost * service.memory / 1024]);
    }
    builder.row(-Infinity, places, flow.rate);
    const { completion } = flow.qosClass;
    if (completion <= 0) continue;
    const promised = promises.get(flow.qosClass) ?? { rate: 0, places: [] };
    promised.rate += Math.max(0, completion - promiseTolerance) * flow.rate;
    promised.places.push(...places);
    promises.set(flow.qosClass, promised);
  }
  for (const [node, terms] of memory) builder.row(-Infinity, terms, node.memoryMib);
  if (Number.isFinite(scenario.budget)) {
    for (const terms of costs.values()) builder.row(-Infinity, terms, scenario.budget / 3600);
  }
  const missing = [...promises.values()].map(({ rate, places }) => {
    const variable = builder.variable(breach, rate);
    builder.row(rate, [...places, [variable, 1]], Infinity);
    return variable;
  });
  const solution = await solver.solve(builder.program);
  if (missing.some((variable) => solution[variable]! > tolerance)) return NaN;
  return worths.reduce((sum, [variable, worth]) => sum + worth * solution[variable]!, 0);
}

/**
 * The scenario as it is after some of its changes, as if it had always been so.
 *
 * @param scenario with changes
 * @param at time, s
 */
export function settledAt(scenario: Scenario, at: number): Scenario {
  const slowness = new Map<string, number>();
  const factors = new Map<string, number>();
  const down = new Set<string>();
  let { edge, toCloud } = scenario;
  for (const change of scenario.changes) {
    if (change.at > at) break;
    for (const id of change.slow?.nodes ?? []) slowness.set(id, change.slow!.factor);
    for (const name of change.function?.functions ?? []) {
      factors.set(name, change.function!.duration);
    }
    for (const id of change.fail ?? []) down.add(id);
    for (const id of change.recover ?? []) down.delete(id);
    if (change.degrade) {
      const { link, latency, bandwidth } = change.degrade;
      const model = link === "edge" ? scenario.edge : scenario.toCloud;
      const now = {
        latencyMs: model.latencyMs * latency,
        bandwidth: model.bandwidth * bandwidth,
      };
      if (link === "edge") edge = now;
      else toCloud = now;
    }
  }
  const functions = scenario.functions.map((fn) => {
    const { meanMs, scv } = fn.duration;
    return { ...fn, duration: { meanMs: meanMs * (factors.get(fn.name) ?? 1), scv } };
  });
  return {
    ...scenario,
    edge,
    toCloud,
    functions,
    nodes: scenario.nodes
      .filter(({ id }) => !down.has(id))
      .map((node) => ({ ...node, speed: node.speed / (slowness.get(node.id) ?? 1) })),
    load: scenario.load
      .filter(({ node, from, to }) => from <= at && to > at && !down.has(node))
      .map((stream) => ({
        ...stream,
        fn: functions.find(({ name }) => name === stream.fn.name)!,
        from: 0,
        to: scenario.duration,
      })),
    changes: [],
  };
}

/** True if the load, the nodes and the network are the same all the time. */
export function isStationary({ load, changes, duration, warmup }: Scenario): boolean {
  return changes.length === 0 &&
    load.every(({ shape, from, to }) =>
      shape.kind === "steady" && from <= warmup && to >= duration
    );
}

function flowsOf(scenario: Scenario, counts: ReadonlyMap<string, number> | undefined): Flow[] {
  const { load, nodes, duration, warmup } = scenario;
  const flows = load.flatMap(({ node: id, fn, rate, mix }) => {
    const node = nodes.find((each) => each.id === id)!;
    return mix.map(({ qosClass, upTo }, at): Flow => ({
      node,
      fn,
      qosClass,
      rate: rate * (upTo - (mix[at - 1]?.upTo ?? 0)),
    }));
  });
  if (!counts) return flows;
  const counted = new Map(
    flows.map((flow) => [flowKey(flow.node.id, flow.fn.name, flow.qosClass.name), flow]),
  );
  return [...counted].map(([key, flow]) => ({
    ...flow,
    rate: (counts.get(key) ?? 0) / (duration - warmup),
  }));
}

/** Undefined where the request cannot go. */
function serviceAt(target: NodeModel, flow: Flow, scenario: Scenario): Service | undefined {
  const { node, fn, qosClass } = flow;
  const isCloud = target.area === scenario.cloud;
  if (target !== node && !isCloud && target.area !== node.area) return undefined;
  if (target !== node && scenario.hops < 1) return undefined;
  const link = isCloud ? scenario.toCloud : scenario.edge;
  const sentMs = target === node
    ? 0
    : scenario.overheadMs + meanBytes(fn) * 8 / (link.bandwidth * 1000);
  const wayMs = target === node ? 0 : 2 * link.latencyMs;
  const limitMs = qosClass.limit > 0 ? qosClass.limit * 1000 : Infinity;
  const mean = fn.duration.meanMs / target.speed;
  const { scv } = fn.duration;
  const inTime = gammaCdf(limitMs - sentMs - wayMs, mean, scv);
  // Whoever is late is called back, so that it holds its instance no longer.
  const heldMs = cutGammaMean(limitMs - sentMs, mean, scv);
  return {
    worth: qosClass.utility * inTime - qosClass.penalty * (1 - inTime),
    memory: heldMs / 1000 * fn.memoryMib,
  };
}

function meanBytes({ input }: FunctionModel): number {
  const random = seededRandom(1);
  let sum = 0;
  for (let draw = 0; draw < sizeDraws; draw++) sum += truncatedNormal(random, input);
  return sum / sizeDraws;
}

function entry<K, V>(map: Map<K, V[]>, key: K): V[] {
  let list = map.get(key);
  if (!list) map.set(key, list = []);
  return list;
}

/**
 * Upper bound of the utility of any policy under stationary load, from a linear program with the true
 * distributions, rates and latencies. Requests are a fluid: there are no waits and no cold starts, and
 * memory is fully used. The bound shows how near to the optimum a policy comes.
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
import { completionTolerance } from "./results/results.ts";
import type { FunctionModel, NodeModel, Scenario } from "./scenario/model.ts";
import { flowKey } from "./results/tally.ts";

/** Price of a request below a required share, far above any utility. */
const shortfallPrice = 1e4;
/** Tolerance of the solver, requests per second. */
const tolerance = 1e-6;
/** Number of samples for the mean size of requests. */
const sizeDraws = 2000;

/** Requests of one function and class that arrive at one node. */
interface Flow {
  readonly node: NodeModel;
  readonly fn: FunctionModel;
  readonly qosClass: QosClass;
  readonly rate: number;
}

/** Utility and resources of a request at one node. */
interface Service {
  /** Expected utility. */
  readonly utility: number;
  /** Memory times duration, MiB s. */
  readonly memory: number;
}

/** Constraint on the share of a class that is served. */
interface RequiredShare {
  /** Requests per second that must be served. */
  rate: number;
  /** Variables of its requests with coefficients. */
  readonly places: [number, number][];
}

/**
 * Returns the utility per second that no policy can exceed.
 *
 * @param scenario scenario with stationary load
 * @param solver solves the program
 * @param flows actual numbers of requests by {@link flowKey}, instead of the scenario's rates
 * @returns NaN if the completion shares cannot be reached
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
  const utilities: [number, number][] = [];
  const required = new Map<QosClass, RequiredShare>();
  for (const flow of flowsOf(scenario, flows)) {
    const places: [number, number][] = [];
    for (const target of scenario.nodes) {
      const service = serviceAt(target, flow, scenario);
      if (!service) continue;
      const variable = builder.variable(-service.utility, flow.rate);
      utilities.push([variable, service.utility]);
      places.push([variable, 1]);
      entry(memory, target).push([variable, service.memory]);
      if (target.area !== scenario.cloud) continue;
      entry(costs, flow.node).push([variable, scenario.cost * service.memory / 1024]);
    }
    builder.row(-Infinity, places, flow.rate);
    const { completion } = flow.qosClass;
    if (completion <= 0) continue;
    const share = required.get(flow.qosClass) ?? { rate: 0, places: [] };
    share.rate += Math.max(0, completion - completionTolerance) * flow.rate;
    share.places.push(...places);
    required.set(flow.qosClass, share);
  }
  for (const [node, terms] of memory) builder.row(-Infinity, terms, node.memoryMib);
  if (Number.isFinite(scenario.budget)) {
    for (const terms of costs.values()) builder.row(-Infinity, terms, scenario.budget / 3600);
  }
  const missing = [...required.values()].map(({ rate, places }) => {
    const variable = builder.variable(shortfallPrice, rate);
    builder.row(rate, [...places, [variable, 1]], Infinity);
    return variable;
  });
  const solution = await solver.solve(builder.program);
  if (missing.some((variable) => solution[variable]! > tolerance)) return NaN;
  return utilities.reduce((sum, [variable, utility]) => sum + utility * solution[variable]!, 0);
}

/**
 * Returns a stationary scenario with the state after the changes until a time.
 *
 * @param at the time, s
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

/** Whether load, nodes and network do not change. */
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

/** Returns undefined if the request cannot be sent there. */
function serviceAt(target: NodeModel, flow: Flow, scenario: Scenario): Service | undefined {
  const { node, fn, qosClass } = flow;
  const isCloud = target.area === scenario.cloud;
  if (target !== node && !isCloud && target.area !== node.area) return undefined;
  if (target !== node && scenario.hops < 1) return undefined;
  const link = isCloud ? scenario.toCloud : scenario.edge;
  const sentMs = target === node
    ? 0
    : scenario.overheadMs + meanBytes(fn) * 8 / (link.bandwidth * 1000);
  const networkMs = target === node ? 0 : 2 * link.latencyMs;
  const limitMs = qosClass.limit > 0 ? qosClass.limit * 1000 : Infinity;
  const mean = fn.duration.meanMs / target.speed;
  const { scv } = fn.duration;
  const inTime = gammaCdf(limitMs - sentMs - networkMs, mean, scv);
  // Late executions are cancelled and hold their instance no longer.
  const heldMs = cutGammaMean(limitMs - sentMs, mean, scv);
  return {
    utility: qosClass.utility * inTime - qosClass.penalty * (1 - inTime),
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

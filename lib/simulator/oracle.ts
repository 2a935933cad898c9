/**
 * The most that any policy could achieve on stationary load, by a linear program that knows
 * everything: true distributions, rates, latencies. It sees requests as a fluid: nobody waits, no
 * start is ever cold, every byte of memory works all the time. No policy can reach it; how near one
 * comes is what it is for.
 *
 * @module
 */

import { type LinearSolver, ProgramBuilder } from "../../policies/probabilistic/linear_program.ts";
import { ServerledgeError } from "../base/errors.ts";
import { seededRandom } from "../base/random.ts";
import type { QosClass } from "../model/qos.ts";
import { truncatedNormal } from "./distributions.ts";
import { cutGammaMean, gammaCdf } from "./gamma.ts";
import type { FunctionModel, NodeModel, Scenario } from "./scenario.ts";

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

/**
 * Utility per second that no policy can exceed.
 *
 * @param scenario load that does not change over time
 * @param solver solves the program
 * @throws `INVALID_REQUEST` if the load is not stationary
 */
export async function bestUtility(scenario: Scenario, solver: LinearSolver): Promise<number> {
  if (!isStationary(scenario)) {
    const message = "Only scenarios whose load, nodes and network never change have an optimum";
    throw new ServerledgeError("INVALID_REQUEST", message);
  }
  const builder = new ProgramBuilder();
  const memory = new Map<NodeModel, [number, number][]>();
  const costs = new Map<NodeModel, [number, number][]>();
  const objective: number[] = [];
  for (const flow of flowsOf(scenario)) {
    const places: [number, number][] = [];
    for (const target of scenario.nodes) {
      const service = serviceAt(target, flow, scenario);
      if (!service) continue;
      const variable = builder.variable(-service.worth, flow.rate);
      objective.push(service.worth);
      places.push([variable, 1]);
      entry(memory, target).push([variable, service.memory]);
      if (target.area !== scenario.cloud) continue;
      entry(costs, flow.node).push([variable, scenario.cost * service.memory / 1024]);
    }
    const floor = flow.qosClass.completion * flow.rate;
    builder.row(floor > 0 ? floor : -Infinity, places, flow.rate);
  }
  for (const [node, terms] of memory) builder.row(-Infinity, terms, node.memoryMib);
  if (Number.isFinite(scenario.budget)) {
    for (const terms of costs.values()) builder.row(-Infinity, terms, scenario.budget / 3600);
  }
  const solution = await solver.solve(builder.program);
  return objective.reduce((sum, worth, at) => sum + worth * solution[at]!, 0);
}

/** True if the load, the nodes and the network are the same all the time. */
export function isStationary({ load, changes, duration, warmup }: Scenario): boolean {
  return changes.length === 0 &&
    load.every(({ shape, from, to }) =>
      shape.kind === "steady" && from <= warmup && to >= duration
    );
}

function flowsOf({ load, nodes }: Scenario): Flow[] {
  return load.flatMap(({ node: id, fn, rate, mix }) => {
    const node = nodes.find((each) => each.id === id)!;
    return mix.map(({ qosClass, upTo }, at) => ({
      node,
      fn,
      qosClass,
      rate: rate * (upTo - (mix[at - 1]?.upTo ?? 0)),
    }));
  });
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

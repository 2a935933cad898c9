/**
 * The planner's linear program: the share of each function's and class's requests by place that maximizes
 * utility (Russo Russo et al., FGCS 2024). Two things differ from the paper: the variables for busy
 * instances are eliminated, since they only bound one sum, and a class's minimum completion share is a
 * soft constraint with a high price, since a hard one makes the program infeasible under overload.
 *
 * @module
 */

import type { Demand, Service } from "./demand.ts";
import { type LinearProgram, ProgramBuilder } from "./linear_program.ts";
import type { Shares } from "./shares.ts";

/** Limits of a plan. */
export interface PlanLimits {
  /** Memory for instances on this node that the plan may use, MiB. */
  readonly localMemoryMib: number;
  /** Memory that peers have available, MiB. */
  readonly peerMemoryMib: number;
  /** Cost of one GiB for one second in the cloud. */
  readonly cost: number;
  /** Budget for the cloud per hour; may be infinite. */
  readonly budgetPerHour: number;
}

/** Price of a rejection and of distance among options that are otherwise equal. */
const tieBreak = { drop: 1e-4, cloud: 2e-5, edge: 1e-5 };

/** Price of a request below a class's minimum share, in units of the largest utility. */
const shortfallPrice = 1000;

/** Indices of the variables of one demand. */
interface Variables {
  readonly local: number;
  readonly cloud: number;
  readonly edge: number;
  readonly drop: number;
}

/**
 * Builds the program. It begins with four variables per demand: local, cloud, edge, drop.
 *
 * @param demands demand by function and class
 */
export function buildProgram(demands: readonly Demand[], limits: PlanLimits): LinearProgram {
  const builder = new ProgramBuilder();
  const pairs = demands.map((demand) => ({ demand, at: addVariables(builder, demand) }));
  for (const { at } of pairs) {
    builder.row(1, [[at.local, 1], [at.cloud, 1], [at.edge, 1], [at.drop, 1]], 1);
  }
  const memory = (place: "local" | "edge") =>
    pairs.map(({ demand, at }) =>
      [at[place], demand.rate * demand[place].seconds * demand.memoryMib] as const
    );
  builder.row(-Infinity, memory("local"), limits.localMemoryMib);
  builder.row(-Infinity, memory("edge"), limits.peerMemoryMib);
  const costs = pairs.map(({ demand, at }) =>
    [
      at.cloud,
      demand.rate * cloudCost(demand.cloud.seconds, demand.memoryMib, limits.cost),
    ] as const
  );
  if (Number.isFinite(limits.budgetPerHour)) {
    builder.row(-Infinity, costs, limits.budgetPerHour / 3600);
  }
  addCompletion(builder, pairs);
  return builder.program;
}

/**
 * Returns the cost of an execution in the cloud.
 *
 * @param seconds its duration
 * @param memoryMib memory of the instance, MiB
 * @param cost cost of one GiB for one second
 */
export function cloudCost(seconds: number, memoryMib: number, cost: number): number {
  return cost * seconds * memoryMib / 1024;
}

/**
 * Returns the shares of one demand in a solution.
 *
 * @param solution value of each variable
 */
export function sharesAt(solution: readonly number[], index: number): Shares {
  // The solver keeps bounds only within a tolerance.
  const values = solution.slice(4 * index, 4 * index + 4).map((value) => Math.max(0, value));
  const sum = values.reduce((total, value) => total + value, 0);
  const [local, cloud, edge, drop] = values.map((value) => value / sum);
  return { local: local!, cloud: cloud!, edge: edge!, drop: drop! };
}

function addVariables(builder: ProgramBuilder, { rate, qosClass, ...places }: Demand): Variables {
  const { utility, penalty } = qosClass;
  const add = (service: Service, distancePrice: number) => {
    const expected = utility * service.inTime - penalty * (1 - service.inTime);
    return builder.variable(rate * (distancePrice - expected), service.reachable ? 1 : 0);
  };
  return {
    local: add(places.local, 0),
    cloud: add(places.cloud, tieBreak.cloud),
    edge: add(places.edge, tieBreak.edge),
    drop: builder.variable(rate * tieBreak.drop, 1),
  };
}

/** Prices rejections beyond a class's minimum share. */
function addCompletion(
  builder: ProgramBuilder,
  pairs: readonly { demand: Demand; at: Variables }[],
): void {
  const best = Math.max(1, ...pairs.map(({ demand }) => demand.qosClass.utility));
  const byClass = Map.groupBy(pairs, ({ demand }) => demand.qosClass.id);
  for (const members of byClass.values()) {
    const { completion } = members[0]!.demand.qosClass;
    if (completion <= 0) continue;
    const total = members.reduce((sum, { demand }) => sum + demand.rate, 0);
    const shortfall = builder.variable(shortfallPrice * best, Infinity);
    const refused = members.map(({ demand, at }) => [at.drop, demand.rate] as const);
    builder.row(-Infinity, [...refused, [shortfall, -1]], (1 - completion) * total);
  }
}

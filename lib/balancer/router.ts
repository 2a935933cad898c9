/**
 * Which node gets a request.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Demand } from "../cluster/peers/peer.ts";
import { type Imaged, needOf } from "../images/needs.ts";
import { type ArchitectureChooser } from "./architectures/architecture.ts";
import type { Pull } from "./architectures/bandit.ts";
import { chooseBounded } from "./architectures/bounded_loads.ts";
import type { Wanted } from "./stocking.ts";
import type { Target, TargetTable } from "./target_table.ts";

/** A node chosen for a request. */
export interface Choice {
  readonly target: Target;
  /** What the request takes there. */
  readonly demand: Demand;
  /** The choice of an architecture, if there was one to make; must be rewarded or forgotten. */
  readonly pull: Pull | undefined;
}

/** A function as routing sees it. */
export type RoutedFunction =
  & Pick<FunctionRecord, "memoryMib" | "cpu" | "architectures">
  & Imaged;

/** Told when all nodes that have a function's image are full, and which could run it but have it not. */
export type Crowded = (wanted: Wanted, lacking: readonly Target[]) => void;

const nothing: Demand = { memoryMib: 0, cpu: 0 };

/** Chooses nodes. */
export class Router {
  readonly #table: TargetTable;
  readonly #factor: number;
  readonly #architectures: ArchitectureChooser | undefined;
  readonly #crowded: Crowded;
  #turn = 0;

  /**
   * @param factor most load of a node as a multiple of the mean
   * @param architectures chooses between architectures; absent: nobody does
   * @param crowded told when those that have a function's image are full
   */
  constructor(
    table: TargetTable,
    factor: number,
    architectures?: ArchitectureChooser,
    crowded: Crowded = () => {},
  ) {
    this.#table = table;
    this.#factor = factor;
    this.#architectures = architectures;
    this.#crowded = crowded;
  }

  /**
   * A node for a request of a function: on the ring, so that it meets warm instances. Nodes that
   * seem to have room come first, but what they told may be old: one without room is better than
   * none, it may let the request wait. One that would have to fetch an image first gets none while
   * another has it.
   *
   * @param record its definition, if it is known
   * @param tried ids of nodes that must not get it again
   * @returns undefined if there is none
   */
  forFunction(
    name: string,
    record: RoutedFunction | undefined,
    tried: ReadonlySet<string>,
  ): Choice | undefined {
    const archs = record?.architectures ?? [];
    const supporting = this.#healthy(tried).filter(({ record: { architecture } }) =>
      archs.length === 0 || archs.includes(architecture)
    );
    const stocked = record ? supporting.filter((target) => target.hasImage(needOf(record))) : [];
    const able = stocked.length > 0 ? stocked : supporting;
    if (able.length === 0) return undefined;
    const demand = record ? { memoryMib: record.memoryMib, cpu: record.cpu } : nothing;
    const pull = this.#pull(name, able);
    const roomy = able.filter((target) => target.hasRoom(demand));
    const suits = ({ record: { architecture } }: Target) => architecture === pull?.arm;
    if (record && roomy.length === 0 && able.length < supporting.length) {
      const wanted = { name, need: needOf(record) };
      this.#crowded(wanted, supporting.filter((target) => !able.includes(target)));
    }
    const groups = pull ? [roomy.filter(suits), roomy, able.filter(suits), able] : [roomy, able];
    const group = groups.find(({ length }) => length > 0)!;
    return { target: this.#onRing(name, group), demand, pull };
  }

  /**
   * A node for a request that any can answer: the next in turn.
   *
   * @param tried ids of nodes that must not get it again
   * @returns undefined if there is none
   */
  forAny(tried: ReadonlySet<string>): Choice | undefined {
    const targets = this.#healthy(tried);
    if (targets.length === 0) return undefined;
    this.#turn = (this.#turn + 1) % targets.length;
    return { target: targets[this.#turn]!, demand: nothing, pull: undefined };
  }

  #healthy(tried: ReadonlySet<string>): Target[] {
    return this.#table.all.filter((target) => target.isHealthy && !tried.has(target.record.id));
  }

  #pull(name: string, able: readonly Target[]): Pull | undefined {
    if (!this.#architectures) return undefined;
    const arms = Object.entries(Object.groupBy(able, (target) => target.record.architecture))
      .map(([name, nodes = []]) => ({ name, memoryUse: mean(nodes) }));
    return this.#architectures.choose(name, arms);
  }

  /** A ring of some nodes only is the ring of all, walked past the others. */
  #onRing(name: string, group: readonly Target[]): Target {
    const loads = new Map(group.map((target) => [target.record.id, target.inFlight]));
    return this.#table.get(chooseBounded(this.#table.ring, name, loads, this.#factor)!)!;
  }
}

function mean(nodes: readonly Target[]): number {
  let sum = 0;
  for (const { memoryUse } of nodes) sum += memoryUse;
  return sum / nodes.length;
}

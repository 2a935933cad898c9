/**
 * Chooses the node for a request.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";
import type { Demand } from "../cluster/peers/peer.ts";
import { type Imaged, needOf } from "../images/needs.ts";
import { type ArchitectureChooser } from "./architectures/architecture.ts";
import type { Pull } from "./architectures/bandit.ts";
import { chooseBounded } from "./architectures/bounded_loads.ts";
import type { ImageRequest } from "./image_spreader.ts";
import type { Target, TargetTable } from "./target_table.ts";

/** A node chosen for a request. */
export interface Choice {
  readonly target: Target;
  /** Resources that the request takes there. */
  readonly demand: Demand;
  /** The choice of an architecture, if there was one; must be rewarded or forgotten. */
  readonly pull: Pull | undefined;
}

/** The properties of a function that routing depends on. */
export type RoutedFunction =
  & Pick<FunctionRecord, "memoryMib" | "cpu" | "architectures">
  & Imaged;

/**
 * Called when all nodes that have a function's image are overloaded, with the nodes that could run
 * it without that image.
 */
export type OverloadListener = (request: ImageRequest, lacking: readonly Target[]) => void;

const nothing: Demand = { memoryMib: 0, cpu: 0 };

/** Chooses nodes for requests. */
export class Router {
  readonly #table: TargetTable;
  readonly #factor: number;
  readonly #architectures: ArchitectureChooser | undefined;
  readonly #onOverload: OverloadListener;
  #turn = 0;

  /**
   * Creates a router over a table of nodes.
   *
   * @param factor maximum load of a node relative to the mean
   * @param architectures chooses between architectures; absent: nobody does
   * @param onOverload called when the nodes that have a function's image are overloaded
   */
  constructor(
    table: TargetTable,
    factor: number,
    architectures?: ArchitectureChooser,
    onOverload: OverloadListener = () => {},
  ) {
    this.#table = table;
    this.#factor = factor;
    this.#architectures = architectures;
    this.#onOverload = onOverload;
  }

  /**
   * Chooses a node for a request of a function: on the ring, so that the request meets warm
   * instances. Nodes with enough free resources come first; since their status may be old,
   * overloaded ones are the last choice, as they may queue the request. A node without the image is
   * chosen only if no other has it.
   *
   * @param record the definition, if it is known
   * @param tried ids of nodes to exclude
   * @returns undefined without a candidate
   */
  forFunction(
    name: string,
    record: RoutedFunction | undefined,
    tried: ReadonlySet<string>,
  ): Choice | undefined {
    const architectures = record?.architectures ?? [];
    const supporting = this.#healthy(tried).filter(({ record: { architecture } }) =>
      architectures.length === 0 || architectures.includes(architecture)
    );
    const withImage = record ? supporting.filter((target) => target.hasImage(needOf(record))) : [];
    const able = withImage.length > 0 ? withImage : supporting;
    if (able.length === 0) return undefined;
    const demand = record ? { memoryMib: record.memoryMib, cpu: record.cpu } : nothing;
    const pull = this.#pull(name, able);
    const fitting = able.filter((target) => target.fits(demand));
    const matches = ({ record: { architecture } }: Target) => architecture === pull?.arm;
    if (record && fitting.length === 0 && able.length < supporting.length) {
      const request = { name, need: needOf(record) };
      this.#onOverload(request, supporting.filter((target) => !able.includes(target)));
    }
    const groups = pull
      ? [fitting.filter(matches), fitting, able.filter(matches), able]
      : [fitting, able];
    const group = groups.find(({ length }) => length > 0)!;
    return { target: this.#chooseOnRing(name, group), demand, pull };
  }

  /**
   * Chooses a node for a request that any node can process, round robin.
   *
   * @param tried ids of nodes to exclude
   * @returns undefined without a candidate
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

  /** A walk over a subset equals the walk over all nodes without the others. */
  #chooseOnRing(name: string, group: readonly Target[]): Target {
    const loads = new Map(group.map((target) => [target.record.id, target.inFlight]));
    return this.#table.get(chooseBounded(this.#table.ring, name, loads, this.#factor)!)!;
  }
}

function mean(nodes: readonly Target[]): number {
  let sum = 0;
  for (const { memoryUse } of nodes) sum += memoryUse;
  return sum / nodes.length;
}

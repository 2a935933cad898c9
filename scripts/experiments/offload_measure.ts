/**
 * What experiment `offload` measures: an edge zone and a cloud under each policy, with ever more users.
 *
 * @module
 */

import { type Cloud, startCloud, startEdge } from "../continuum/continuum.ts";
import { classes, type LoadClass } from "../continuum/model.ts";
import type { Named } from "../../tests/support/continuum.ts";
import type { KindResult, LoadResult } from "../../lib/lab/load/report/result.ts";
import type { Context } from "./experiment.ts";
import { type Measure, measureLoad, measureOf, type Timing } from "./measure.ts";
import { type Extent, type OffloadPoint, policies } from "./offload_extent.ts";
import { entriesOf, loadOf } from "../continuum/users.ts";

/** The same with how it was spread over the windows, and over the nodes. */
export interface OffloadRow extends OffloadPoint {
  /** Good answers per second in a window. */
  readonly served: Measure;
  /** Mean response time of these, ms. */
  readonly meanMs: Measure;
  /** Share of the requests that were answered well in time. */
  readonly inTime: number;
  /** Share of the good answers that the node of arrival computed. */
  readonly local: number;
  /** Share of the other edge node. */
  readonly neighbour: number;
  /** Share of the cloud. */
  readonly cloud: number;
}

/**
 * Measures all policies.
 *
 * @param extent what is measured
 * @param context how
 */
export async function measureOffload(
  extent: Extent,
  { say, signal }: Pick<Context, "say" | "signal">,
): Promise<OffloadRow[]> {
  const rows: OffloadRow[] = [];
  for (const delayMs of extent.delaysMs) {
    const sizes = { ...extent.sizes, cloudDelayMs: delayMs };
    await using cloud = await startCloud(sizes, signal);
    for (const policy of policies) {
      say(`${policy}, the cloud ${delayMs} ms away`);
      rows.push(...await measurePolicy(cloud, policy, extent, signal));
    }
  }
  return rows;
}

async function measurePolicy(
  cloud: Cloud,
  policy: string,
  { users, timing }: Extent,
  signal: AbortSignal,
): Promise<OffloadRow[]> {
  await using edge = await startEdge(cloud, policy, signal);
  const entries = entriesOf(edge.nodes);
  const rows: OffloadRow[] = [];
  for (const count of users) {
    const result = await measureLoad(entries[0]!.url, loadOf(count, entries), timing, signal);
    for (const one of classes) {
      const facts = rowOf(result, edge.nodes, one, timing);
      rows.push({ delayMs: cloud.sizes.cloudDelayMs, policy, users: count, class: one, ...facts });
    }
  }
  return rows;
}

/** What became of one class, whichever node its requests went to. */
function rowOf(
  { kinds, seconds }: LoadResult,
  nodes: readonly Named[],
  one: LoadClass,
  timing: Timing,
): Omit<OffloadRow, "delayMs" | "policy" | "users" | "class"> {
  // The kinds are in the order of the entries, and within each in that of the classes.
  const own = nodes.map(({ id }, at) => ({
    id,
    kind: kinds[at * classes.length + classes.indexOf(one)]!,
  }));
  const sum = (figure: (kind: KindResult, id: string) => number) =>
    own.reduce((total, { kind, id }) => total + figure(kind, id), 0);
  const windows = Array.from({ length: timing.windows }, (_, at) => {
    const slices = own.flatMap(({ kind }) => kind.slices[at] ?? []);
    const ok = slices.reduce((total, slice) => total + slice.ok, 0);
    const ms = slices.reduce((total, slice) => total + slice.ok * (slice.mean ?? 0), 0);
    return { rate: ok / timing.windowS, meanMs: ok === 0 ? undefined : ms / ok };
  });
  const due = sum((kind) => kind.due);
  const good = sum((kind) => kind.ok);
  const ok = Math.max(1, good);
  const ran = (test: (node: string, area: string, entry: string) => boolean) =>
    sum((kind, entry) =>
      (kind.server?.where ?? []).reduce(
        (total, { node, area, count }) => total + (test(node, area, entry) ? count : 0),
        0,
      )
    ) / ok;
  return {
    offered: due / seconds,
    served: measureOf(windows.map(({ rate }) => rate)),
    meanMs: measureOf(windows.map(({ meanMs }) => meanMs)),
    servedAll: good / seconds,
    meanAllMs: good === 0
      ? undefined
      : sum(({ ok, responseMs }) => ok * (responseMs?.mean ?? 0)) / good,
    inTime: sum((kind) => kind.withinLimit === undefined ? kind.ok : kind.withinLimit * kind.due) /
      Math.max(1, due),
    local: ran((node, _, entry) => node === entry),
    neighbour: ran((node, area, entry) => node !== entry && area === "EDGE"),
    cloud: ran((_, area) => area === "CLOUD"),
  };
}

/**
 * Result of a load test as text for people.
 *
 * @module
 */

import { quantity } from "../../base/quantity.ts";
import type { KindResult, LoadResult, Percentiles, ServerResult } from "../load/report/result.ts";
import { printable, styled } from "../../cli/view/style.ts";
import { formatDuration, formatFields, formatTable } from "../../cli/view/table.ts";
import type { Output } from "../../cli/terminal.ts";

/** Maximum number of nodes listed. */
const maxNodes = 8;

/**
 * Formats a result.
 *
 * @param result result of the run
 * @param output where it will be written
 */
export function readableResult(result: LoadResult, output: Pick<Output, "colour">): string {
  const { total, kinds } = result;
  const rows = kinds.length > 1 ? [...kinds, total] : kinds;
  return [
    formatFields([
      ["target", result.targets.join(", ")],
      ["load", result.load],
      ["responses", responses(result, output)],
      ...outcomes(total, output),
      ...places(total),
      ["generator", generator(result)],
    ]),
    "",
    kindTable(rows),
    "",
    "Response times of successful requests, from the time when each was due.",
  ].join("\n");
}

function responses(
  { total, seconds, isInterrupted, cutOff }: LoadResult,
  output: Pick<Output, "colour">,
) {
  const early = isInterrupted ? `, stopped early with ${cutOff} in flight` : "";
  const count = `${total.ok} of ${total.due} ok`;
  const colour = total.ok === total.due ? "green" : "yellow";
  return `${styled(output, colour, count)}, ${total.rate.toFixed(1)}/s in ${
    formatDuration(seconds)
  }${early}`;
}

function outcomes(
  { outcomes, messages }: KindResult,
  output: Pick<Output, "colour">,
): [string, string][] {
  const failures = Object.entries(outcomes).filter(([name]) => name !== "ok");
  if (failures.length === 0) return [];
  return failures.map(([name, count], at) => {
    const message = messages[name] ? `: ${printable(messages[name]).replaceAll("\n", " ")}` : "";
    return [
      at === 0 ? "failures" : "",
      styled(output, "red", `${count} ${printable(name)}`) + message,
    ];
  });
}

/** Nodes and start tiers of invocations. */
function places({ server }: KindResult): [string, string][] {
  if (!server) return [];
  const { where, initMs } = server;
  const all = where.reduce((sum, { count }) => sum + count, 0);
  const list = where.slice(0, maxNodes).map(({ node, area, count }) =>
    `${printable(node)} in ${printable(area)} ${(count / all * 100).toFixed(1)} %`
  );
  const more = where.length > maxNodes ? `, and ${where.length - maxNodes} more` : "";
  return [
    ["ran on", list.join(", ") + more],
    ["starts", starts(initMs)],
  ];
}

/** Number of invocations by start tier, and median time until they ran. */
function starts(initMs: ServerResult["initMs"]): string {
  const tiers = Object.entries(initMs).map(([tier, init]) =>
    `${init!.count} ${printable(tier)} (median ${time(init!.p50)})`
  );
  return tiers.join(", ");
}

function generator({ generator: { cpuShare, connections, lagMs } }: LoadResult): string {
  const late = lagMs
    ? `, sent ${time(lagMs.p50)} late in the median, ${time(lagMs.p99)} at 99 %`
    : "";
  return `${(cpuShare * 100).toFixed(0)} % of a core, ${
    quantity(connections, "connection")
  }${late}`;
}

const percentileColumns: readonly (readonly [head: string, key: keyof Percentiles])[] = [
  ["MEAN", "mean"],
  ["P50", "p50"],
  ["P90", "p90"],
  ["P99", "p99"],
  ["P99.9", "p999"],
  ["MAX", "max"],
];

function kindTable(kinds: readonly KindResult[]): string {
  const hasClass = kinds.some((kind) => kind.class !== "");
  const hasLimit = kinds.some(({ limitMs }) => limitMs !== undefined);
  const heads = [
    "FUNCTION",
    ...(hasClass ? ["CLASS"] : []),
    ...["DUE", "OK", "FAILED", "OK/S", ...percentileColumns.map(([head]) => head)].map((head) =>
      `>${head}`
    ),
    ...(hasLimit ? [">IN LIMIT"] : []),
  ];
  return formatTable(
    heads,
    kinds.map((kind) => [
      printable(kind.function),
      ...(hasClass ? [printable(kind.class)] : []),
      String(kind.due),
      String(kind.ok),
      String(kind.failed),
      kind.rate.toFixed(1),
      ...percentileColumns.map(([, key]) => kind.responseMs ? time(kind.responseMs[key]) : "-"),
      ...(hasLimit ? [share(kind.withinLimit)] : []),
    ]),
  );
}

function share(value: number | undefined): string {
  return value === undefined ? "-" : `${(value * 100).toFixed(1)} %`;
}

function time(ms: number): string {
  return formatDuration(ms / 1000);
}

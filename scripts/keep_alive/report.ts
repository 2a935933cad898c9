/**
 * A comparison for people and programs: CSV, a Markdown table, a plot.
 *
 * @module
 */

import { drawFigure } from "../../lib/lab/plot/figure.ts";
import type { Comparison, Row } from "./compare.ts";

/** What others are compared with: the default of a node. */
const base = { policy: "fixed", expirationMin: 10 };

/**
 * The comparison as CSV.
 *
 * @param comparison which
 */
export function comparisonCsv({ rows }: Comparison): string {
  const head = "policy,expiration_min,requests,cold_share,cold_share_p50,cold_share_p75," +
    "idle_gib_h,started_ahead,hit_share";
  const lines = rows.map((row) =>
    [
      row.policy,
      row.expirationMin,
      row.requests,
      brief(row.coldShare),
      brief(row.coldShareP50),
      brief(row.coldShareP75),
      brief(row.idleGibH),
      row.ahead,
      row.ahead === 0 ? "" : brief(row.hitShare),
    ].join(",")
  );
  return [head, ...lines].join("\n") + "\n";
}

/**
 * The comparison as a table.
 *
 * @param comparison which
 */
export function comparisonTable({ rows }: Comparison): string {
  const reference = baseOf(rows).idleGibH;
  const lines = rows.map((row) => {
    const cells = [
      row.policy,
      `${row.expirationMin} min`,
      percent(row.coldShare),
      percent(row.coldShareP50),
      percent(row.coldShareP75),
      row.idleGibH.toFixed(0),
      percent(row.idleGibH / reference),
      row.ahead === 0 ? "" : `${row.ahead} (${percent(row.hitShare)})`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    "| policy | expiration | cold, all requests | cold, median function | cold, 75th percentile | idle GiB h | of fixed 10 min | started ahead (met a request) |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...lines,
  ].join("\n") + "\n";
}

/**
 * The comparison as an SVG: cold starts against idle memory, a line for each policy.
 *
 * @param comparison which
 * @param subtitle what was replayed
 */
export function comparisonFigure({ rows }: Comparison, subtitle: string): string {
  const reference = baseOf(rows).idleGibH;
  const chart = (title: string, label: string, measure: (row: Row) => number) => ({
    title,
    x: { label: "idle memory x time, % of fixed 10 min" },
    y: { label },
    series: (["fixed", "histogram"] as const).map((policy) => ({
      kind: "line" as const,
      name: names[policy],
      dots: true,
      points: rows.filter((row) => row.policy === policy)
        .map((row) => ({ x: 100 * row.idleGibH / reference, y: 100 * measure(row) })),
    })),
  });
  return drawFigure({
    title: "Cold starts against memory that is kept idle",
    subtitle,
    rows: [{
      charts: [
        chart("all requests", "cold, % of requests", (row) => row.coldShare),
        chart("75th percentile of functions", "cold, % of its requests", (row) => row.coldShareP75),
      ],
    }],
  });
}

const names = {
  fixed: "fixed keep-alive of 1 to 60 min",
  histogram: "histogram, 1 to 240 min where no pattern is seen",
};

function baseOf(rows: readonly Row[]): Row {
  return rows.find(({ policy, expirationMin }) =>
    policy === base.policy && expirationMin === base.expirationMin
  )!;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** As many digits as are worth telling. */
function brief(value: number): string {
  return String(Number(value.toPrecision(6)));
}

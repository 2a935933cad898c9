/**
 * Figure of a comparison.
 *
 * @module
 */

import { quantity } from "../../../base/quantity.ts";
import type { Chart, Point, Series } from "../../plot/chart.ts";
import { drawFigure } from "../../plot/figure.ts";
import type { Comparison, PolicyResult } from "./results.ts";
import type { Estimate } from "../../statistics.ts";

/** Wide enough for the names of all policies. */
const plane = { width: 560, height: 200 };
/** Maximum number of points of a line over time. */
const maxPoints = 120;

/**
 * Draws a comparison.
 *
 * @returns SVG
 */
export function comparisonFigure(comparison: Comparison): string {
  const { about, seconds, seeds, policies } = comparison;
  const count = seeds.length;
  return drawFigure({
    title: about,
    subtitle: `${seconds} s simulated, ${quantity(count, "seed")}` +
      (count > 1 ? ", intervals: 95 % confidence of the mean" : ""),
    plane,
    rows: [{ charts: [utilities(policies), inTime(policies)] }, {
      charts: [overTime(comparison), costs(comparison)],
    }],
  });
}

function names(policies: readonly PolicyResult[]): string[] {
  return policies.map(({ policy }) => policy.slice(policy.lastIndexOf("/") + 1));
}

function point(x: number, { mean, ci }: Estimate): Point {
  const interval = ci === null ? {} : { low: mean - ci, high: mean + ci };
  return { x, y: Number.isNaN(mean) ? undefined : mean, ...interval };
}

/** Point in percent, with its interval clamped to 0 to 100. */
function sharePoint(x: number, { mean, ci }: Estimate): Point {
  const percent = point(x, { mean: 100 * mean, ci: ci === null ? null : 100 * ci });
  const { low, high } = percent;
  if (low === undefined || high === undefined) return percent;
  return { ...percent, low: Math.max(0, low), high: Math.min(100, high) };
}

function utilities(policies: readonly PolicyResult[]): Chart {
  return {
    title: "Utility",
    x: { label: "policy", categories: names(policies) },
    y: { label: "utility per second" },
    series: [{
      kind: "bars",
      name: "all classes",
      points: policies.map(({ utility }, at) => point(at, utility)),
    }],
  };
}

function inTime(policies: readonly PolicyResult[]): Chart {
  const classes = [...new Set(policies.flatMap(({ classes }) => classes.map(({ name }) => name)))];
  const series = classes.map((name): Series => ({
    kind: "bars",
    name,
    points: policies.map(({ classes }, at) => {
      const share = classes.find((one) => one.name === name)?.inTime ?? { mean: NaN, ci: null };
      return sharePoint(at, share);
    }),
  }));
  return {
    title: "Requests in time",
    x: { label: "policy", categories: names(policies) },
    y: { label: "share of requests, %", max: 100 },
    series,
  };
}

function overTime({ policies, seconds, warmup }: Comparison): Chart {
  const width = Math.max(1, Math.ceil((seconds + warmup) / maxPoints));
  const titles = names(policies);
  return {
    title: "Utility over time",
    x: { label: "time, s" },
    y: { label: "utility per second" },
    series: policies.map(({ perSecond }, at): Series => ({
      kind: "line",
      name: titles[at]!,
      points: buckets(perSecond, width, seconds + warmup),
      dots: false,
    })),
  };
}

function buckets(perSecond: readonly number[], width: number, seconds: number) {
  return Array.from({ length: Math.floor(seconds / width) }, (_, at) => {
    const slice = perSecond.slice(at * width, (at + 1) * width);
    return { x: (at + 0.5) * width, y: slice.reduce((sum, each) => sum + each, 0) / width };
  });
}

function costs({ policies, budget }: Comparison): Chart {
  return {
    title: "Cost of the cloud",
    x: { label: "policy", categories: names(policies) },
    y: { label: "cost per hour, all nodes" },
    series: [{
      kind: "bars",
      name: "all classes",
      points: policies.map(({ cost }, at) => point(at, cost)),
    }],
    rules: budget === null ? [] : [{ y: budget, label: "budget of one node" }],
  };
}

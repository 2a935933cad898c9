/**
 * HTML report of a run in one self-contained file.
 *
 * @module
 */

import { quantity } from "../../../base/quantity.ts";
import { escapeText } from "../../plot/svg.ts";
import { drawRun, nameOf } from "./charts.ts";
import type { KindResult, LoadResult, Percentiles } from "./result.ts";

const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; }
.scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; }
.warning { background: #fff3cd; border-left: 4px solid #e69f00; padding: 0.5rem 1rem; }
.small { color: #555; font-size: 0.9rem; }`;

/** Formats a run as HTML. */
export function formatHtml(result: LoadResult): string {
  const { total, kinds } = result;
  const title = `Load of ${result.targets.join(", ")}`;
  const parts = [
    `<h1>${escapeText(title)}</h1>`,
    paragraph(`${result.load}. ${result.startedAt}.`, "small"),
    ...warnings(result).map((text) => paragraph(text, "warning")),
    heading("Requests, and response times of successful ones, ms"),
    table(
      [
        "",
        "due",
        "ok",
        "failed",
        "ok/s",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "in limit",
      ],
      (kinds.length > 1 ? [total, ...kinds] : kinds).map(kindRow),
    ),
    ...drawRun(result),
    heading("Outcomes"),
    table(
      ["", ...Object.keys(total.outcomes)],
      (kinds.length > 1 ? [total, ...kinds] : kinds).map((kind) => [
        nameOf(kind),
        ...Object.keys(total.outcomes).map((key) => String(kind.outcomes[key] ?? 0)),
      ]),
    ),
    ...Object.entries(total.messages).map(([name, text]) =>
      paragraph(`${name}, the first time: ${text}`, "small")
    ),
    ...serverPart(result),
    heading("Load generator"),
    table(["", ""], generatorRows(result)),
    paragraph(
      "Response times count from when a request was due, not from when it was sent, so that " +
        "a stalled target cannot hide the stall (coordinated omission).",
      "small",
    ),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeText(title)}</title>
<meta name="viewport" content="width=device-width"><style>${style}</style></head>
<body>
${parts.join("\n")}
</body></html>
`;
}

function warnings({ generator, isInterrupted, cutOff }: LoadResult): string[] {
  const list: string[] = [];
  if (isInterrupted) list.push(`Stopped early with ${quantity(cutOff, "request")} in flight.`);
  if (generator.limits.length > 0) {
    const why = generator.limits.join("; ");
    list.push(`The load generator, not the target, may have been the limit: ${why}.`);
  }
  return list;
}

function kindRow(kind: KindResult): string[] {
  const { responseMs: ms } = kind;
  const times: (keyof Percentiles)[] = ["mean", "p50", "p90", "p99", "p999", "max"];
  return [
    nameOf(kind),
    String(kind.due),
    String(kind.ok),
    String(kind.failed),
    kind.rate.toFixed(1),
    ...times.map((key) => ms ? milliseconds(ms[key]) : "-"),
    kind.withinLimit === undefined ? "-" : `${(kind.withinLimit * 100).toFixed(2)} %`,
  ];
}

/** Statistics from the reports of invocations, if there are any. */
function serverPart({ total, kinds }: LoadResult): string[] {
  if (!total.server) return [];
  const tiers = Object.keys(total.server.initMs);
  const rows = kinds.flatMap((kind) => {
    const { server } = kind;
    if (!server) return [];
    const time = (percentiles: Percentiles | undefined) =>
      percentiles ? milliseconds(percentiles.p50) : "-";
    return [[
      nameOf(kind),
      time(server.executionMs),
      time(server.queueingMs),
      time(server.offloadMs),
      ...tiers.flatMap((tier) => {
        const init = server.initMs[tier];
        return [String(init?.count ?? 0), time(init)];
      }),
    ]];
  });
  const all = total.server.where.reduce((sum, { count }) => sum + count, 0);
  return [
    heading("Reported by nodes (medians, ms)"),
    table(
      [
        "",
        "execution",
        "queueing",
        "offloading",
        ...tiers.flatMap((tier) => [`${tier} starts`, `until execution`]),
      ],
      rows,
    ),
    heading("Nodes"),
    table(
      ["node", "area", "invocations", "share"],
      total.server.where.map(({ node, area, count }) => [
        node,
        area,
        String(count),
        `${(count / all * 100).toFixed(1)} %`,
      ]),
    ),
  ];
}

function generatorRows({ generator, by }: LoadResult): string[][] {
  const { lagMs } = generator;
  return [
    ...Object.entries(by),
    ["CPU", `${(generator.cpuShare * 100).toFixed(0)} % of a core`],
    ["peak connections", String(generator.connections)],
    [
      "sent late by",
      lagMs ? `${milliseconds(lagMs.p50)} ms (p50), ${milliseconds(lagMs.p99)} ms (p99)` : "-",
    ],
  ];
}

/** Formats a duration with three significant digits. */
function milliseconds(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
}

function heading(text: string): string {
  return `<h2>${escapeText(text)}</h2>`;
}

function paragraph(text: string, name: string): string {
  return `<p class="${name}">${escapeText(text)}</p>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeText(cell)}</${tag}>`).join("")}</tr>`;
  const body = [row(head, "th"), ...rows.map((cells) => row(cells, "td"))];
  return `<div class="scroll"><table>\n${body.join("\n")}\n</table></div>`;
}

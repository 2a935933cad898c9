/**
 * Formats for people what a node's policy has learned.
 *
 * @module
 */

import type { InferOutput } from "valibot";
import type { answers } from "../../api/schemas.ts";
import { printable } from "./style.ts";
import { formatDuration, formatTable } from "./table.ts";

/** Maximum number of rows that are shown of a table; `--json` shows all. */
const maxRows = 20;

/** Response of `GET /policy`. */
export type PolicyAnswer = InferOutput<typeof answers.policy>;

/** Formats an explanation as tables. */
export function explanationView(
  { Node, Policy, Explains, Estimates, Decisions }: PolicyAnswer,
): string {
  const title = `Policy ${printable(Policy)} of node ` +
    `${printable(Node)}${(Explains ? "" : ", which does not learn")}`;
  const tables = Object.entries(Estimates).map(([title, rows]) =>
    `${printable(title).toUpperCase()}\n${estimateTable(rows)}`
  );
  return [title, ...tables, decisionTable(Decisions)].join("\n\n");
}

function estimateTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  if (rows.length === 0) return "no data yet";
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const heads = keys.map((key) =>
    (rows.some((row) => typeof row[key] === "string") ? "" : ">") + printable(key)
  );
  const shown = rows.slice(0, maxRows).map((row) => keys.map((key) => cell(row[key])));
  const more = rows.length > maxRows ? `\n... and ${rows.length - maxRows} more` : "";
  return formatTable(heads, shown) + more;
}

function decisionTable(decisions: PolicyAnswer["Decisions"]): string {
  if (decisions.length === 0) return "No decisions yet";
  return formatTable(
    [">AGO", "FUNCTION", "CLASS", "DECISION", "WHY"],
    decisions.slice(0, maxRows).map(({ AgoMs, Function, Class, Decision, To, Reason }) => [
      formatDuration(AgoMs / 1000),
      printable(Function),
      printable(Class),
      printable(To === null ? Decision : `${Decision} to ${To}`),
      printable(Reason),
    ]),
  );
}

function cell(value: unknown): string {
  return value === null || value === undefined ? "-" : printable(String(value));
}

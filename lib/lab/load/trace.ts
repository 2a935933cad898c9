/**
 * Reader of CSV traces.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";

/** One request of a trace. */
export interface TraceRow {
  /** Time, s after the start. */
  readonly at: number;
  /** Function, if the trace has it. */
  readonly function: string | undefined;
  /** QoS class, if the trace has it. */
  readonly class: string | undefined;
}

/** Columns; the first is required. */
const columns = ["time_s", "function", "class"] as const;
/** Maximum number of rows. */
const maxRows = 10_000_000;

/** Format of a trace, for help texts. */
export const traceHelp: string =
  "A trace is a CSV file with the header time_s[,function][,class]: time_s is seconds after the start, " +
  "rows may be in any order, an empty cell counts as absent.";

/**
 * Reads a trace.
 *
 * @param text CSV with a header, columns in any order
 * @param origin name of the file, for messages
 * @returns rows in order of time
 * @throws `INVALID_REQUEST` with the line and the reason
 */
export function readTrace(text: string, origin: string): TraceRow[] {
  const refuse = (line: number, reason: string) =>
    new ServerledgeError("INVALID_REQUEST", `${origin}, line ${line}: ${reason}`);
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const header = cellsOf(lines[0]!);
  const bad = header.find((name) => !(columns as readonly string[]).includes(name));
  if (bad !== undefined || !header.includes("time_s") || new Set(header).size < header.length) {
    throw refuse(1, `expected the header time_s[,function][,class], not "${lines[0]}"`);
  }
  const place = (name: typeof columns[number]) => header.indexOf(name);
  const [time, fn, qosClass] = columns.map(place) as [number, number, number];
  const rows: TraceRow[] = [];
  for (let index = 1; index < lines.length; index++) {
    if (lines[index]!.trim() === "") continue;
    const cells = cellsOf(lines[index]!);
    if (cells.length > header.length) throw refuse(index + 1, "it has more cells than the header");
    const at = cells[time] ? Number(cells[time]) : NaN;
    if (!Number.isFinite(at) || at < 0) {
      throw refuse(
        index + 1,
        `time_s must be at least 0 seconds: current value is "${cells[time] ?? ""}"`,
      );
    }
    if (rows.length === maxRows) throw refuse(index + 1, `more than ${maxRows} requests`);
    rows.push({ at, function: cells[fn] || undefined, class: cells[qosClass] || undefined });
  }
  if (rows.length === 0) throw refuse(1, "there are no requests below the header");
  return rows.sort((a, b) => a.at - b.at);
}

/** Splits a line into cells; quotes are removed. */
function cellsOf(line: string): string[] {
  return line.split(",").map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

/**
 * A trace: when which function was asked for. Read from CSV of two forms, written in one.
 *
 * @module
 */

/** All requests of one function. */
export interface FunctionTrace {
  /** Its name. */
  readonly name: string;
  /** Memory of an instance, MiB. */
  readonly memoryMib: number;
  /** How long each call takes, ms. */
  readonly durationMs: number;
  /** When requests come, ms from the beginning of the trace, in order. */
  readonly arrivalsMs: readonly number[];
}

/** The heading of a trace in our own form: one line a request. */
const heading = "at_ms,function,memory_mib,duration_ms";
/** Memory and duration where a trace does not tell. */
const unknown = { memoryMib: 128, durationMs: 0 };
const dayMs = 86_400_000;
const minuteMs = 60_000;

/**
 * Reads a trace.
 *
 * @param texts CSV files: one of our own form, or one or more days of the Azure Functions trace of
 *   2019 (`invocations_per_function_md.anon.dNN.csv`), in order
 * @throws {Error} with file and line of what is not as it should be
 */
export function readTrace(texts: readonly string[]): FunctionTrace[] {
  const functions = new Map<string, { fn: FunctionTrace; arrivals: number[] }>();
  const of = (name: string, known: typeof unknown) => {
    let found = functions.get(name);
    if (!found) {
      const arrivals: number[] = [];
      found = { fn: { name, ...known, arrivalsMs: arrivals }, arrivals };
      functions.set(name, found);
    }
    return found.arrivals;
  };
  texts.forEach((text, day) => {
    const [head, ...lines] = text.trimEnd().split(/\r?\n/);
    const isAzure = head!.startsWith("HashOwner,HashApp,HashFunction,Trigger,1,");
    if (!isAzure && head !== heading) {
      throw new Error(`File ${day + 1}: the heading is neither "${heading}" nor that of Azure`);
    }
    lines.forEach((line, at) => {
      const cells = line.split(",");
      const where = `file ${day + 1}, line ${at + 2}`;
      if (isAzure) {
        const [, , name, , ...counts] = cells;
        of(name!, unknown).push(
          ...spread(counts.map((cell) => numberOf(cell, where)), day * dayMs),
        );
      } else {
        const [time, name, memory, duration] = cells;
        const known = {
          memoryMib: numberOf(memory, where),
          durationMs: numberOf(duration, where),
        };
        of(name!, known).push(numberOf(time, where));
      }
    });
  });
  for (const { arrivals } of functions.values()) arrivals.sort((a, b) => a - b);
  return [...functions.values()].map(({ fn }) => fn);
}

/**
 * Writes a trace in our own form, all requests in order.
 *
 * @param functions whose
 */
export function traceCsv(functions: readonly FunctionTrace[]): string {
  const rows = functions.flatMap(({ name, memoryMib, durationMs, arrivalsMs }) =>
    arrivalsMs.map((at) => ({ at, row: `${at},${name},${memoryMib},${durationMs}` }))
  );
  rows.sort((a, b) => a.at - b.at);
  return [heading, ...rows.map(({ row }) => row)].join("\n") + "\n";
}

/** A minute has only the number of its requests, which are assumed to be evenly spread over it. */
function spread(counts: readonly number[], fromMs: number): number[] {
  return counts.flatMap((count, minute) =>
    Array.from(
      { length: count },
      (_, k) => fromMs + minute * minuteMs + Math.round(k * minuteMs / count),
    )
  );
}

function numberOf(cell: string | undefined, where: string): number {
  const value = cell === undefined || cell === "" ? NaN : Number(cell);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`${where}: expected a number of 0 or more, found "${cell}"`);
}

/**
 * Formats tables and quantities for people.
 *
 * @module
 */

/**
 * Lays out a table with aligned columns.
 *
 * @param heads headings from left to right; `>` at the start of one right-aligns the cells below it
 * @param rows a list of cells for each row
 * @returns lines without a newline at the end; the first line contains the headings
 */
export function formatTable(heads: readonly string[], rows: readonly string[][]): string {
  const all = [heads.map((head) => head.replace(/^>/, "")), ...rows];
  const widths = heads.map((_, at) => Math.max(...all.map((row) => (row[at] ?? "").length)));
  const line = (row: readonly string[]) =>
    heads.map((head, at) => {
      const cell = row[at] ?? "";
      return head.startsWith(">") ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!);
    }).join("  ").trimEnd();
  return all.map(line).join("\n");
}

/**
 * Lays out labelled values, one per line.
 *
 * @param entries label and value of each line
 */
export function formatFields(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([label]) => label.length));
  return entries.map(([label, value]) => `${label.padEnd(width)}  ${value}`.trimEnd()).join("\n");
}

/**
 * Formats a number of bytes for people, e.g. `1.4 MiB`.
 *
 * @param bytes number of bytes
 */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/**
 * Formats a duration for people, e.g. `0.42 ms`, `1.5 s`, `3 h 20 min`.
 *
 * @param seconds duration, s
 */
export function formatDuration(seconds: number): string {
  if (seconds < 0.01) return `${(seconds * 1e3).toFixed(2)} ms`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const units: [number, string][] = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => seconds >= size);
  const [large, small] = [units[first]!, units[first + 1]!];
  const rest = Math.floor((seconds % large[0]) / small[0]);
  return `${Math.floor(seconds / large[0])} ${large[1]}` + (rest > 0 ? ` ${rest} ${small[1]}` : "");
}

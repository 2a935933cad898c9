/**
 * What the kernel tells of a process (proc(5)). Deno opens these files only to programs with all
 * permissions.
 *
 * @module
 */

/** Bytes of a page; every Linux that Deno runs on has pages of 4 KiB. */
const pageBytes = 4096;
/** Clock ticks in a second, which is what the kernel tells every program. */
const ticksPerSecond = 100;

/**
 * The resident memory of a process.
 *
 * @param pid its id
 * @returns bytes; undefined if it is gone
 */
export function residentBytes(pid: number): number | undefined {
  const text = read(`/proc/${pid}/statm`);
  return text === undefined ? undefined : Number(text.split(" ")[1]) * pageBytes;
}

/**
 * The CPU time that a process has used, with all its threads.
 *
 * @param pid its id
 * @returns seconds; undefined if it is gone
 */
export function cpuSeconds(pid: number): number | undefined {
  // The name in parentheses may hold anything: what counts is behind the last of them.
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(") ") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

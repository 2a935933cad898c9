/**
 * Resource usage of processes (proc(5)). Deno opens these files only for programs with all
 * permissions.
 *
 * @module
 */

/** Size of a page, bytes. Every Linux that Deno supports has pages of 4 KiB. */
const pageBytes = 4096;
/** Clock ticks per second in the kernel's interface to programs. */
const ticksPerSecond = 100;

/**
 * Reads the resident memory of a process.
 *
 * @returns bytes; undefined if the process has ended
 */
export function residentBytes(pid: number): number | undefined {
  const text = read(`/proc/${pid}/statm`);
  return text === undefined ? undefined : Number(text.split(" ")[1]) * pageBytes;
}

/**
 * Reads the CPU time of a process, including all threads.
 *
 * @returns seconds; undefined if the process has ended
 */
export function cpuSeconds(pid: number): number | undefined {
  // The name in parentheses may contain any character, so the fields start after the last parenthesis.
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

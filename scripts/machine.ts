/**
 * The machine that something is measured on.
 *
 * @module
 */

/** Its cores, memory, kernel and load, in one line. */
export async function describeMachine(): Promise<string> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  const model = /model name\s*: (.*)/.exec(cpuInfo)?.[1] ?? Deno.build.arch;
  const memory = (Deno.systemMemoryInfo().total / 2 ** 30).toFixed(0);
  const load = Deno.loadavg()[0]!.toFixed(1);
  return `${navigator.hardwareConcurrency} x ${model}, ${memory} GiB, ` +
    `Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}, load ${load} before`;
}

/**
 * The wall clock of a single process, set by libfaketime while the process runs. Its monotonic clock goes
 * on, as it does when a machine's clock is set.
 *
 * @module
 */

import { tempDir } from "./temp_dir.ts";

const library = `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketime.so.1`;

/** A clock. Disposing it removes its file. */
export interface ProcessClock extends AsyncDisposable {
  /** Environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the clock; 0 is right. */
  setAhead(seconds: number): void;
}

/**
 * Creates a clock that is right.
 *
 * @throws if libfaketime is missing: that fails a test, it does not skip it
 */
export async function processClock(): Promise<ProcessClock> {
  await Deno.stat(library);
  const dir = await tempDir("clock");
  const path = `${dir.path}/ahead`;
  const setAhead = (seconds: number) => {
    // Replaced in one step, since the process reads it all the time.
    Deno.writeTextFileSync(`${path}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    Deno.renameSync(`${path}.new`, path);
  };
  setAhead(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    setAhead,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

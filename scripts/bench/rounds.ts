/**
 * How often and how long the suites measure.
 *
 * @module
 */

/** Whether only to try that a benchmark runs (`BENCH_SHORT=1`): what it measures then is worth nothing. */
export const isShort: boolean = Deno.env.get("BENCH_SHORT") === "1";

/** Rounds of every measurement: the fewest that have a median and a spread. */
export const rounds = isShort ? 1 : 3;

/** Rounds of loads: what else happens on a machine weighs on them for seconds, so it takes more of them. */
export const loadRounds = isShort ? 1 : 7;

/** How long wrk loads in one round, s. */
export const loadSeconds = isShort ? 1 : 3;

/** How long wrk loads before the first round, s: code gets hot and connections are made. */
export const warmUpSeconds = isShort ? 1 : 2;

/**
 * Measures in rounds.
 *
 * @param measure measures once
 * @param count how often
 * @returns the samples, one a round
 */
export async function inRounds<T>(
  measure: (round: number) => Promise<T>,
  count = rounds,
): Promise<T[]> {
  const samples: T[] = [];
  for (let round = 0; round < count; round++) samples.push(await measure(round));
  return samples;
}

/**
 * How often and how long the suites measure.
 *
 * @module
 */

/** Rounds of every measurement: the fewest that have a median and a spread. */
export const rounds = 3;

/** How long wrk loads in one round, s. */
export const loadSeconds = 3;

/** How long wrk loads before the first round, s: code gets hot and connections are made. */
export const warmUpSeconds = 2;

/**
 * Measures in rounds.
 *
 * @param measure measures once
 * @returns the samples, one a round
 */
export async function inRounds<T>(measure: (round: number) => Promise<T>): Promise<T[]> {
  const samples: T[] = [];
  for (let round = 0; round < rounds; round++) samples.push(await measure(round));
  return samples;
}

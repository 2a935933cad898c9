/**
 * Shares of requests by place, and their correction where a place is impossible.
 *
 * @module
 */

/** Place of a request. */
export type Place = "local" | "cloud" | "edge" | "drop";

/** Probabilities of the places; their sum is 1. */
export type Shares = Readonly<Record<Place, number>>;

/** Shares of a function and class without a plan (FGCS 2024). */
export const initialShares: Shares = { local: 0.5, cloud: 0.25, edge: 0.25, drop: 0 };

/** Places that are possible for a request now. */
export type Possible = Readonly<Record<"local" | "cloud" | "edge", boolean>>;

/**
 * Removes impossible places and keeps the proportions of the others. If nothing is left, peers and cloud
 * share equally as far as possible, then this node takes all, then requests are rejected.
 *
 * @param shares planned shares
 */
export function renormalize(shares: Shares, possible: Possible): Shares {
  const kept = {
    local: possible.local ? shares.local : 0,
    cloud: possible.cloud ? shares.cloud : 0,
    edge: possible.edge ? shares.edge : 0,
    drop: shares.drop,
  };
  const sum = kept.local + kept.cloud + kept.edge + kept.drop;
  if (sum > 0) {
    return {
      local: kept.local / sum,
      cloud: kept.cloud / sum,
      edge: kept.edge / sum,
      drop: kept.drop / sum,
    };
  }
  const outside = Number(possible.cloud) + Number(possible.edge);
  return {
    local: outside === 0 && possible.local ? 1 : 0,
    cloud: possible.cloud ? 1 / outside : 0,
    edge: possible.edge ? 1 / outside : 0,
    drop: outside === 0 && !possible.local ? 1 : 0,
  };
}

/**
 * Draws a place.
 *
 * @param shares probabilities with sum 1
 * @param u uniform in [0, 1)
 */
export function draw(shares: Shares, u: number): Place {
  let cumulative = 0;
  let last: Place = "drop";
  for (const place of ["local", "cloud", "edge", "drop"] as const) {
    if (shares[place] <= 0) continue;
    cumulative += shares[place];
    if (u < cumulative) return place;
    last = place; // rounding may leave the sum a little below 1
  }
  return last;
}

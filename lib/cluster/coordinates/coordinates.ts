/**
 * Network coordinates as values: valid ranges and distances.
 *
 * @module
 */

import * as v from "valibot";
import type { Coordinate } from "../../model/node.ts";

/** Dimensions in addition to the height: more gain little (Dabek et al. 2004, section 5.4). */
export const dimensions = 3;
/** Longest accepted round trip and largest accepted component, ms. */
export const maxRttMs = 10_000;
/** Smallest height, ms: a height of zero could not grow, since it changes by a share of itself. */
export const minHeightMs = 0.01;
/** Largest error, that of a node without measurements. */
export const maxError = 1.5;

const within = (min: number, max: number) =>
  v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));

/** Schema of coordinates received from other nodes. */
export const coordinateSchema = v.object({
  vector: v.pipe(v.array(within(-maxRttMs, maxRttMs)), v.length(dimensions)),
  height: within(0, maxRttMs),
  adjustment: within(-maxRttMs, maxRttMs),
  error: within(0, maxError),
});

/** Initial coordinate of a node. */
export const originCoordinate: Coordinate = {
  vector: [0, 0, 0],
  height: minHeightMs,
  adjustment: 0,
  error: maxError,
};

/** Distance in the model space, without adjustments, ms. */
export function rawDistance(a: Coordinate, b: Coordinate): number {
  let squares = 0;
  for (let i = 0; i < dimensions; i++) squares += (a.vector[i]! - b.vector[i]!) ** 2;
  return Math.sqrt(squares) + a.height + b.height;
}

/** Expected round trip between two nodes, ms. */
export function distance(a: Coordinate, b: Coordinate): number {
  const raw = rawDistance(a, b);
  const adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

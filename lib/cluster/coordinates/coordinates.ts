/**
 * Network coordinates as values: what a good one is, and how far two are apart.
 *
 * @module
 */

import * as v from "valibot";
import type { Coordinate } from "../../model/node.ts";

/** Dimensions besides the height: more gain little (Dabek et al. 2004, section 5.4). */
export const dimensions = 3;
/** Longest round trip that is believed, and farthest that a coordinate may lie out, ms. */
export const maxRttMs = 10_000;
/** Least height, ms: at zero a height could never grow again, since it grows by its share. */
export const minHeightMs = 0.01;
/** Largest error: of a node that knows nothing it is more than the 100 % of a wild guess. */
export const maxError = 1.5;

const within = (min: number, max: number) =>
  v.pipe(v.number(), v.finite(), v.minValue(min), v.maxValue(max));

/** A coordinate that may be believed. */
export const coordinateSchema = v.object({
  vector: v.pipe(v.array(within(-maxRttMs, maxRttMs)), v.length(dimensions)),
  height: within(0, maxRttMs),
  adjustment: within(-maxRttMs, maxRttMs),
  error: within(0, maxError),
});

/** Where a node begins. */
export const originCoordinate: Coordinate = {
  vector: [0, 0, 0],
  height: minHeightMs,
  adjustment: 0,
  error: maxError,
};

/**
 * The distance that the model alone gives, ms.
 *
 * @param a one
 * @param b the other
 */
export function rawDistance(a: Coordinate, b: Coordinate): number {
  let squares = 0;
  for (let i = 0; i < dimensions; i++) squares += (a.vector[i]! - b.vector[i]!) ** 2;
  return Math.sqrt(squares) + a.height + b.height;
}

/**
 * The expected round trip between two, ms.
 *
 * @param a one
 * @param b the other
 */
export function distance(a: Coordinate, b: Coordinate): number {
  const raw = rawDistance(a, b);
  const adjusted = raw + a.adjustment + b.adjustment;
  return adjusted > 0 ? adjusted : raw;
}

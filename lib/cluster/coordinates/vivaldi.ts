/**
 * A node's own network coordinate. Each measured round trip acts as a spring between two nodes, and
 * moves the node a little towards the spring's rest position; after some time, distances predict
 * the round trips to nodes that were never probed.
 *
 * @see Dabek, Cox, Kaashoek, Morris: Vivaldi: A Decentralized Network Coordinate System, SIGCOMM
 *   2004
 * @see Ledlie, Gardner, Seltzer: Network Coordinates in the Wild, NSDI 2007
 * @module
 */

import type { Coordinate } from "../../model/node.ts";
import {
  dimensions,
  distance,
  maxError,
  maxRttMs,
  minHeightMs,
  originCoordinate,
  rawDistance,
} from "./coordinates.ts";

/** Share of a spring's force by which a node moves (c_c; Dabek et al. 2004, section 5.1). */
const forceShare = 0.25;
/** Weight of a new sample in the error estimate (c_e; Dabek et al. 2004, section 5.1). */
const errorShare = 0.25;
/** Samples in the mean that makes the adjustment (Lee et al., ToN 18(1), 2010; Serf takes 20). */
const adjustmentWindow = 20;
/** At this distance from the origin gravity moves a node by 1 ms (rho; Ledlie et al. 2007). */
const gravityRho = 256;
/** Shortest round trip that is used, ms: clocks cannot measure shorter ones. */
const minRttMs = 0.001;
/** Points nearer to each other than this have no direction between them, ms. */
const minSeparationMs = 1e-6;

/** The coordinate of one node, updated by its measurements. */
export class Vivaldi {
  readonly #random: () => number;
  readonly #samples: number[] = [];
  #coordinate = originCoordinate;
  #resets = 0;

  /**
   * Creates the coordinate of a node without measurements: the origin.
   *
   * @param random uniform in [0, 1)
   */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The node's current coordinate. */
  get coordinate(): Coordinate {
    return this.#coordinate;
  }

  /** Number of times that the coordinate became invalid and was reset. */
  get resets(): number {
    return this.#resets;
  }

  /** Expected round trip to another node, ms. */
  distanceTo(other: Coordinate): number {
    return distance(this.#coordinate, other);
  }

  /**
   * Updates the coordinate with a measurement.
   *
   * @param other coordinate reported by the other node
   * @param rttMs filtered round trip to it
   * @returns false if the input is invalid and was ignored
   */
  update(other: Coordinate, rttMs: number): boolean {
    if (!(rttMs >= 0 && rttMs <= maxRttMs) || !isValid(other)) return false;
    const rtt = Math.max(rttMs, minRttMs);
    const moved = this.#applyAdjustment(
      this.#applyGravity(this.#applySpring(other, rtt)),
      other,
      rtt,
    );
    if (isValid(moved)) this.#coordinate = moved;
    else {
      this.#coordinate = originCoordinate;
      this.#samples.length = 0;
      this.#resets++;
    }
    return true;
  }

  /** Applies the force of the spring between the two nodes. */
  #applySpring(other: Coordinate, rtt: number): Coordinate {
    const own = this.#coordinate;
    const expected = distance(own, other);
    const wrongness = Math.abs(expected - rtt) / rtt;
    const weight = own.error / Math.max(own.error + other.error, Number.MIN_VALUE);
    const share = errorShare * weight;
    const error = Math.min(maxError, wrongness * share + own.error * (1 - share));
    const force = forceShare * weight * (rtt - expected);
    const { unit, length } = this.#direction(own, other);
    const vector = own.vector.map((x, i) => x + unit[i]! * force);
    const height = length > minSeparationMs
      ? Math.max(minHeightMs, own.height + (own.height + other.height) * force / length)
      : own.height;
    return { ...own, vector, height: Math.min(height, maxRttMs), error };
  }

  /** Keeps all nodes from drifting away together (Ledlie et al. 2007). */
  #applyGravity(at: Coordinate): Coordinate {
    const far = Math.hypot(...at.vector);
    if (far < minSeparationMs) return at;
    const pull = Math.min(far, (far / gravityRho) ** 2);
    return { ...at, vector: at.vector.map((x) => x - x / far * pull) };
  }

  /** Corrects errors that no position in this space can avoid. */
  #applyAdjustment(at: Coordinate, other: Coordinate, rtt: number): Coordinate {
    this.#samples.push(rtt - rawDistance(at, other));
    if (this.#samples.length > adjustmentWindow) this.#samples.shift();
    let sum = 0;
    for (const sample of this.#samples) sum += sample;
    // One half, since the other node corrects the same distance.
    return { ...at, adjustment: sum / (2 * adjustmentWindow) };
  }

  /** Unit vector from the other node to this one; a random one if they coincide. */
  #direction(own: Coordinate, other: Coordinate): { unit: number[]; length: number } {
    const between = own.vector.map((x, i) => x - other.vector[i]!);
    const length = Math.hypot(...between);
    if (length > minSeparationMs) return { unit: between.map((x) => x / length), length };
    const chance = Array.from({ length: dimensions }, () => this.#random() - 0.5);
    const size = Math.hypot(...chance);
    if (size > minSeparationMs) return { unit: chance.map((x) => x / size), length: 0 };
    return { unit: [1, 0, 0], length: 0 };
  }
}

function isValid({ vector, height, adjustment, error }: Coordinate): boolean {
  return vector.length === dimensions && vector.every((x) => Math.abs(x) <= maxRttMs) &&
    height >= 0 && height <= maxRttMs && Math.abs(adjustment) <= maxRttMs &&
    error >= 0 && error <= maxError;
}

/**
 * Schema of scenarios in YAML or JSON files and in options.
 *
 * @module
 */

import * as v from "valibot";
import { isObject, type JsonObject, parse } from "../../json/json.ts";
import { knownKeys } from "../../model/known_keys.ts";
import { hardCaps } from "./plan.ts";

/** Arrival processes. */
export const arrivalKinds = ["closed", "constant", "poisson", "bursty", "trace"] as const;

const number = (min: number, max: number) =>
  v.optional(v.pipe(
    v.number("expected a number"),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  ));
const integer = (min: number, max: number) =>
  v.optional(v.pipe(
    v.number("expected an integer"),
    v.integer("expected an integer"),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  ));
const text = v.optional(v.string("expected a text"));
/** Minimum of times and rates. */
const tiny = 1e-6;

const requestSchema = knownKeys({
  /** Function to invoke on a node or balancer. */
  function: text,
  /** Its parameters. */
  params: v.optional(v.custom<JsonObject>(isObject, "expected an object")),
  /** QoS class, by id or name. */
  class: v.optional(v.union([v.string(), v.number()], "expected an integer or a class name")),
  /** Response-time limit, s: sent with requests, and responses are counted against it. */
  limit: number(tiny, hardCaps.timeoutS),
  /** False to forbid offloading. */
  offload: v.optional(v.boolean("expected true or false")),
  /** Node or balancer instead of that of the command line, `http://HOST:PORT`. */
  node: text,
  /** URL instead of a function. */
  url: text,
  /** Method for a URL; POST with a body, else GET. */
  method: text,
  headers: v.optional(v.record(v.string(), v.string("expected a text"), "expected an object")),
  /** Body for a URL. */
  body: text,
  /** Expected result (function) or content (URL). */
  expect: text,
  /** Weight, any positive number; 1 by default. */
  weight: number(tiny, 1e9),
});

const scenarioSchema = knownKeys({
  arrivals: v.optional(v.picklist(arrivalKinds, `expected one of ${arrivalKinds.join(", ")}`)),
  /** Requests per second, of open loops. */
  rate: number(tiny, hardCaps.rate),
  /** Bursts of `bursty`: factor of the rate, mean length and mean pause, s. */
  burst: v.optional(knownKeys({
    factor: number(1, 1e6),
    length: number(tiny, hardCaps.durationS),
    pause: number(tiny, hardCaps.durationS),
  })),
  /** CSV file with times, of `trace`. */
  trace: text,
  /** Clients of a closed loop, and their think time, s. */
  clients: integer(1, hardCaps.connections),
  think: number(0, hardCaps.durationS),
  /** Measured time, and warm-up before it, s. */
  duration: number(tiny, hardCaps.durationS),
  warmup: number(0, hardCaps.warmUpS),
  /** Maximum number of requests. */
  requests: integer(1, hardCaps.requests),
  /** Maximum number of connections per server. */
  connections: integer(1, hardCaps.connections),
  /** Timeout of a request, s. */
  timeout: number(tiny, hardCaps.timeoutS),
  /** Seed of the random numbers. */
  seed: integer(0, 0xffff_ffff),
  /** Requests. */
  mix: v.optional(v.pipe(
    v.array(requestSchema, "expected a list"),
    v.maxLength(hardCaps.kinds, `must have at most ${hardCaps.kinds} entries`),
  )),
});

/** A scenario. */
export type Scenario = v.InferOutput<typeof scenarioSchema>;
/** One kind of requests in a scenario. */
export type ScenarioRequest = v.InferOutput<typeof requestSchema>;

/**
 * Validates a scenario.
 *
 * @param value parsed YAML or JSON
 * @throws `INVALID_REQUEST` with the path of the invalid key
 */
export function readScenario(value: unknown): Scenario {
  return parse(scenarioSchema, value);
}

/**
 * Scenarios: what to send and when, as people write it in a YAML or JSON file or in options.
 *
 * @module
 */

import * as v from "valibot";
import { isObject, type JsonObject, parse } from "../../json/json.ts";
import { knownKeys } from "../../model/known_keys.ts";
import { hardCaps } from "./plan.ts";

/** How requests can come. */
export const arrivalKinds = ["closed", "constant", "poisson", "bursty", "trace"] as const;

const number = (least: number, most: number) =>
  v.optional(v.pipe(
    v.number("expected a number"),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  ));
const integer = (least: number, most: number) =>
  v.optional(v.pipe(
    v.number("expected an integer"),
    v.integer("expected an integer"),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  ));
const text = v.optional(v.string("expected a text"));
/** Times and rates that are smaller make no sense. */
const tiny = 1e-6;

const requestSchema = knownKeys({
  /** Function to invoke on a node or balancer. */
  function: text,
  /** Its parameters. */
  params: v.optional(v.custom<JsonObject>(isObject, "expected an object")),
  /** QoS class, by id or name. */
  class: v.optional(v.union([v.string(), v.number()], "expected an integer or a class name")),
  /** Response-time limit, s: asked for, and answers are counted against it. */
  limit: number(tiny, hardCaps.timeoutS),
  /** False to ask that no other node runs it. */
  offload: v.optional(v.boolean("expected true or false")),
  /** Node or balancer to ask instead of the command line's, `http://HOST:PORT`. */
  node: text,
  /** Any URL, instead of a function. */
  url: text,
  /** Verb for a URL; POST where there is a body, else GET. */
  method: text,
  /** Headers. */
  headers: v.optional(v.record(v.string(), v.string("expected a text"), "expected an object")),
  /** Body for a URL. */
  body: text,
  /** What a good answer is (function) or contains (URL). */
  expect: text,
  /** Share among all, any positive number; 1. */
  weight: number(tiny, 1e9),
});

const scenarioSchema = knownKeys({
  arrivals: v.optional(v.picklist(arrivalKinds, `expected one of ${arrivalKinds.join(", ")}`)),
  /** Requests per second, of open loops. */
  rate: number(tiny, hardCaps.rate),
  /** Bursts of `bursty`: how many times the rate, mean length and mean time between them, s. */
  burst: v.optional(knownKeys({
    factor: number(1, 1e6),
    length: number(tiny, hardCaps.durationS),
    pause: number(tiny, hardCaps.durationS),
  })),
  /** CSV file with times, of `trace`. */
  trace: text,
  /** Clients of a closed loop, and what each waits between answer and request, s. */
  clients: integer(1, hardCaps.connections),
  think: number(0, hardCaps.durationS),
  /** Length, and warm-up before it, s. */
  duration: number(tiny, hardCaps.durationS),
  warmup: number(0, hardCaps.warmUpS),
  /** Most requests. */
  requests: integer(1, hardCaps.requests),
  /** Most connections to each server. */
  connections: integer(1, hardCaps.connections),
  /** Longest wait for an answer, s. */
  timeout: number(tiny, hardCaps.timeoutS),
  /** Seed of the scenario's chance. */
  seed: integer(0, 0xffff_ffff),
  /** What is sent. */
  mix: v.optional(v.pipe(
    v.array(requestSchema, "expected a list"),
    v.maxLength(hardCaps.kinds, `must have at most ${hardCaps.kinds} entries`),
  )),
});

/** What to send and when. */
export type Scenario = v.InferOutput<typeof scenarioSchema>;
/** One kind of requests of a scenario. */
export type ScenarioRequest = v.InferOutput<typeof requestSchema>;

/**
 * Checks a scenario.
 *
 * @param value parsed YAML or JSON
 * @throws `INVALID_REQUEST` that names the wrong key
 */
export function readScenario(value: unknown): Scenario {
  return parse(scenarioSchema, value);
}

/**
 * What a scenario file may say: nodes, network, classes, functions, load, and what changes on the
 * way. Times in seconds, latencies in milliseconds, memory in MiB.
 *
 * @module
 */

import * as v from "valibot";
import { knownKeys } from "../../../model/known_keys.ts";
import { policySetting } from "../../../model/policy_names.ts";
import { qosFields } from "../../../config/settings.ts";

/** Most nodes of one group, and functions of one group. */
const maxCount = 1000;
/** Longest simulated time, s: a week. */
const maxSeconds = 604_800;

const described = <S extends v.GenericSchema>(schema: S, text: string) =>
  v.pipe(schema, v.description(text));
const quantity = v.pipe(v.number("expected a number"), v.finite(), v.minValue(0));
const positive = v.pipe(quantity, v.gtValue(0));
const seconds = v.pipe(quantity, v.maxValue(maxSeconds));
const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(maxCount));
const label = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9._-]{1,64}$/, "expected letters, digits, '.', '_' or '-'"),
);
const labels = v.array(label);
const someLabels = v.pipe(labels, v.minLength(1, "name at least one"));
/** Things by their names, at least one. */
const some = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.record(label, schema),
    v.check((all) => Object.keys(all).length > 0, "there must be at least one"),
  );

/** A number, or one that each seed draws anew. */
const drawn = v.pipe(
  v.union([
    quantity,
    knownKeys({ uniform: v.strictTuple([quantity, quantity]) }),
    knownKeys({ choice: v.pipe(v.array(quantity), v.minLength(1)) }),
  ], "expected a number, { uniform: [from, to] } or { choice: [...] }"),
  v.check(
    (value) =>
      typeof value === "number" || !("uniform" in value) || value.uniform[0] <= value.uniform[1],
    "uniform: from must not exceed to",
  ),
);

const time = knownKeys({
  mean: described(drawn, "Mean, s"),
  scv: v.optional(described(drawn, "Squared coefficient of variation; 1 is exponential"), 1),
});

const node = knownKeys({
  count: v.optional(described(count, "Nodes of the group in each area"), 1),
  area: described(label, "Edge zone or cloud region"),
  areas: v.optional(described(count, "That many areas like it, named AREA-1, AREA-2, ..."), 1),
  memory: described(positive, "Memory for instances, MiB"),
  cpus: v.optional(described(positive, "CPU for busy instances, cores"), 4096),
  speed: v.optional(described(positive, "Executions take their time divided by it"), 1),
  starts: v.optional(described(count, "Instances that may be starting at once"), 4),
  queue: v.optional(described(quantity, "Requests that may wait"), 1000),
  expiration: v.optional(described(seconds, "How long an idle instance is kept, s"), 600),
  policy: v.optional(
    described(v.string(), "Its policy; without it the one that is tried"),
  ),
});

const link = knownKeys({
  latency: described(quantity, "One way, ms"),
  bandwidth: described(positive, "Mbit/s"),
});

const qosClass = knownKeys(
  v.entriesFromList(
    Object.keys(qosFields) as (keyof typeof qosFields)[],
    v.optional(quantity),
  ),
);

const fn = knownKeys({
  count: v.optional(described(count, "That many functions like it, named NAME-1, NAME-2, ..."), 1),
  memory: described(drawn, "Memory of one instance, MiB"),
  cpu: v.optional(described(quantity, "CPU of one busy instance, cores"), 0),
  duration: described(time, "Execution on a node of speed 1"),
  start: described(time, "Start of an instance"),
  input: v.optional(
    described(
      knownKeys({ mean: quantity, deviation: quantity, min: quantity, max: quantity }),
      "Size of the request, bytes: a normal distribution cut off at both ends",
    ),
    { mean: 1000, deviation: 0, min: 0, max: 1000 },
  ),
});

const process = v.variant("kind", [
  knownKeys({ kind: v.literal("poisson") }),
  knownKeys({ kind: v.literal("constant") }),
  knownKeys({ kind: v.literal("erlang"), stages: count }),
  knownKeys({
    kind: v.literal("hyperexponential"),
    scv: v.pipe(v.number(), v.gtValue(1), v.maxValue(1000)),
  }),
  v.pipe(
    knownKeys({
      kind: v.literal("mmpp"),
      peak: described(v.pipe(quantity, v.gtValue(1)), "Busy rate, as a multiple of the mean"),
      share: described(
        v.pipe(positive, v.ltValue(1)),
        "Share of the time that is busy",
      ),
      stay: described(positive, "Mean length of a busy time, s"),
    }),
    v.check(({ peak, share }) => peak * share <= 1, "peak times share must not exceed 1"),
  ),
]);

const shape = v.variant("kind", [
  knownKeys({ kind: v.literal("steady") }),
  knownKeys({
    kind: v.literal("flash"),
    at: seconds,
    rise: seconds,
    hold: seconds,
    factor: quantity,
  }),
  knownKeys({ kind: v.literal("diurnal"), period: positive, low: quantity, high: quantity }),
]);

const stream = knownKeys({
  nodes: described(someLabels, "Nodes or groups at which the requests arrive"),
  functions: v.optional(described(labels, "Functions or groups that they ask for"), []),
  rate: described(drawn, "Requests per second, of each function at each node"),
  mix: v.optional(
    described(v.record(label, quantity), "Classes with their share of the requests, by weight"),
    {},
  ),
  process: v.optional(process, { kind: "poisson" }),
  shape: v.optional(shape, { kind: "steady" }),
  from: v.optional(seconds, 0),
  to: v.optional(seconds, maxSeconds),
});
const load = v.pipe(
  stream,
  v.forward(
    v.partialCheck([["from"], ["to"]], ({ from, to }) => from < to, "must be after from"),
    ["to"],
  ),
);

/** What changes at a time; factors are of what the scenario says at its top, so 1 restores it. */
const change = knownKeys({
  at: described(seconds, "When, s"),
  slow: v.optional(described(
    knownKeys({ nodes: someLabels, factor: positive }),
    "Executions there take that much longer",
  )),
  degrade: v.optional(described(
    knownKeys({
      link: v.picklist(["edge", "cloud"]),
      latency: v.optional(positive, 1),
      bandwidth: v.optional(positive, 1),
    }),
    "The links of that kind change by these factors",
  )),
  function: v.optional(described(
    knownKeys({ functions: someLabels, duration: positive }),
    "These functions take that much longer everywhere",
  )),
  fail: v.optional(described(someLabels, "These nodes crash")),
  recover: v.optional(described(someLabels, "These nodes start anew")),
});

/** A scenario file. */
export const scenarioSchema = knownKeys({
  about: described(v.string("expected a text that says what it shows"), "What it shows"),
  duration: described(v.pipe(seconds, positive), "Simulated time, s"),
  warmup: v.optional(
    described(seconds, "What arrives before that time does not count, s"),
    0,
  ),
  nodes: described(some(node), "Groups of nodes"),
  cloud: v.optional(described(label, "The area that is the cloud; CLOUD, if any node is in it")),
  balanced: v.optional(
    described(labels, "Areas with a balancer before their nodes, which others offload to"),
    [],
  ),
  cost: v.optional(described(quantity, "Cost of one GiB for one second in the cloud"), 0),
  budget: v.optional(
    described(quantity, "What the cloud may cost each node in an hour; without it any amount"),
  ),
  network: described(
    knownKeys({
      edge: described(link, "Between nodes of one area"),
      cloud: described(link, "Between an area and the cloud"),
      overhead: v.optional(described(quantity, "Cost of any offloading beside the way, ms"), 0),
      status: v.optional(described(positive, "Time between two rounds of status news, s"), 2),
    }),
    "How nodes reach each other",
  ),
  hops: v.optional(described(v.pipe(v.number(), v.integer(), v.minValue(0)), "Most hops"), 1),
  classes: v.optional(v.record(label, qosClass), {}),
  functions: described(some(fn), "Functions, or groups of them"),
  load: described(v.pipe(v.array(load), v.minLength(1)), "What arrives"),
  settings: v.optional(
    described(
      v.record(
        v.string(),
        v.union([v.string(), v.number(), v.boolean()], "expected a text, a number or a flag"),
      ),
      "Settings of policies, by their key after policy.",
    ),
    {},
  ),
  changes: v.optional(described(v.array(change), "What changes on the way"), []),
});

/** A scenario file as it was read. */
export type ScenarioFile = v.InferOutput<typeof scenarioSchema>;

/** A number, or how each seed draws it. */
export type Drawn = v.InferOutput<typeof drawn>;

/** One change of a scenario. */
export type Change = v.InferOutput<typeof change>;

/** Settings as a policy gets them. */
export function settingsOf(file: ScenarioFile): Record<string, string | number | boolean> {
  const settings: Record<string, string | number | boolean> = {
    "bandwidth.edge": file.network.edge.bandwidth,
    "bandwidth.cloud": file.network.cloud.bandwidth,
    "cost": file.cost,
  };
  if (file.budget !== undefined) settings.budget = file.budget;
  for (const [key, value] of Object.entries(file.settings)) settings[key] = policySetting(value)!;
  return settings;
}

/**
 * Schema of scenario files. Times in seconds, latencies in milliseconds, memory in MiB.
 *
 * @module
 */

import * as v from "valibot";
import { knownKeys } from "../../../model/known_keys.ts";
import { policySetting } from "../../../model/policy_names.ts";
import { qosFields } from "../../../config/settings.ts";

/** Maximum number of nodes or functions in a group. */
const maxCount = 1000;
/** Maximum simulated time, s: a week. */
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
const someLabels = v.pipe(labels, v.minLength(1, "give at least one"));
/** Record with at least one entry. */
const some = <S extends v.GenericSchema>(schema: S) =>
  v.pipe(
    v.record(label, schema),
    v.check((all) => Object.keys(all).length > 0, "there must be at least one"),
  );

/** A number, or one that is drawn for each seed. */
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
  count: v.optional(described(count, "Number of nodes in each area"), 1),
  area: described(label, "Area"),
  areas: v.optional(described(count, "Number of such areas, named AREA-1, AREA-2, ..."), 1),
  memory: described(positive, "Memory for instances, MiB"),
  cpus: v.optional(described(positive, "CPU for busy instances, cores"), 4096),
  speed: v.optional(described(positive, "Speed, by which execution times are divided"), 1),
  starts: v.optional(described(count, "Maximum number of parallel starts"), 4),
  queue: v.optional(described(quantity, "Capacity of the wait queue"), 1000),
  expiration: v.optional(described(seconds, "Keep-alive of idle instances, s"), 600),
  policy: v.optional(
    described(v.string(), "Policy; by default the one under test"),
  ),
});

const link = knownKeys({
  latency: described(quantity, "One-way latency, ms"),
  bandwidth: described(positive, "Mbit/s"),
});

const qosClass = knownKeys(
  v.entriesFromList(
    Object.keys(qosFields) as (keyof typeof qosFields)[],
    v.optional(quantity),
  ),
);

const fn = knownKeys({
  count: v.optional(described(count, "Number of such functions, named NAME-1, NAME-2, ..."), 1),
  memory: described(drawn, "Memory of one instance, MiB"),
  cpu: v.optional(described(quantity, "CPU of one busy instance, cores"), 0),
  duration: described(time, "Execution time on a node of speed 1"),
  start: described(time, "Time to start an instance"),
  input: v.optional(
    described(
      knownKeys({ mean: quantity, deviation: quantity, min: quantity, max: quantity }),
      "Size of the request, bytes: a truncated normal distribution",
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
      peak: described(
        v.pipe(quantity, v.gtValue(1)),
        "Rate in the busy state, as a multiple of the mean",
      ),
      share: described(
        v.pipe(positive, v.ltValue(1)),
        "Share of the time in the busy state",
      ),
      stay: described(positive, "Mean duration of the busy state, s"),
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
  functions: v.optional(described(labels, "Functions or groups invoked; all by default"), []),
  rate: described(drawn, "Requests per second, for each function at each node"),
  mix: v.optional(
    described(v.record(label, quantity), "Classes with their weights"),
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

/** Changes at a time; factors are relative to the scenario's initial values, so 1 restores them. */
const change = knownKeys({
  at: described(seconds, "Time, s"),
  slow: v.optional(described(
    knownKeys({ nodes: someLabels, factor: positive }),
    "Factor of execution times on these nodes",
  )),
  degrade: v.optional(described(
    knownKeys({
      link: v.picklist(["edge", "cloud"]),
      latency: v.optional(positive, 1),
      bandwidth: v.optional(positive, 1),
    }),
    "Factors of the links of a kind",
  )),
  function: v.optional(described(
    knownKeys({ functions: someLabels, duration: positive }),
    "Factor of execution times of these functions",
  )),
  fail: v.optional(described(someLabels, "These nodes crash")),
  recover: v.optional(described(someLabels, "These nodes restart")),
});

/** A scenario file. */
export const scenarioSchema = knownKeys({
  about: described(v.string("expected a title"), "Title"),
  duration: described(v.pipe(seconds, positive), "Simulated time, s"),
  warmup: v.optional(
    described(seconds, "Warm-up that is excluded from the results, s"),
    0,
  ),
  nodes: described(some(node), "Groups of nodes"),
  cloud: v.optional(described(label, "Area of the cloud; CLOUD by default, if any node is in it")),
  balanced: v.optional(
    described(labels, "Areas with a balancer, to which other areas offload"),
    [],
  ),
  cost: v.optional(described(quantity, "Cost of one GiB for one second in the cloud"), 0),
  budget: v.optional(
    described(quantity, "Budget for the cloud per node and hour; unlimited by default"),
  ),
  network: described(
    knownKeys({
      edge: described(link, "Links between nodes of one area"),
      cloud: described(link, "Links between an area and the cloud"),
      overhead: v.optional(
        described(quantity, "Overhead of offloading in addition to the network, ms"),
        0,
      ),
      status: v.optional(described(positive, "Interval of status updates, s"), 2),
    }),
    "Network between nodes",
  ),
  hops: v.optional(
    described(v.pipe(v.number(), v.integer(), v.minValue(0)), "Maximum number of hops"),
    1,
  ),
  classes: v.optional(v.record(label, qosClass), {}),
  functions: described(some(fn), "Functions, or groups of them"),
  load: described(v.pipe(v.array(load), v.minLength(1)), "Streams of requests"),
  settings: v.optional(
    described(
      v.record(
        v.string(),
        v.union([v.string(), v.number(), v.boolean()], "expected a text, a number or a flag"),
      ),
      "Settings of policies, by their key without the prefix `policy.`",
    ),
    {},
  ),
  changes: v.optional(described(v.array(change), "Changes during the run"), []),
});

/** A valid scenario file. */
export type ScenarioFile = v.InferOutput<typeof scenarioSchema>;

/** A number, or the distribution from which each seed draws it. */
export type Drawn = v.InferOutput<typeof drawn>;

/** One change of a scenario. */
export type Change = v.InferOutput<typeof change>;

/** Returns the settings passed to policies. */
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

/**
 * Reads situations for trying policies from JSON; all fields have defaults.
 *
 * @module
 */

import * as v from "valibot";
import { parse } from "../json/json.ts";
import { defaultClass } from "../model/qos.ts";
import type { PeerView, Statistics } from "../policy/contract.ts";
import type { Situation } from "../../policies/replay.ts";

const quantity = v.pipe(v.number(), v.minValue(0));
const unbounded = v.optional(quantity, Infinity);
const estimate = v.optional(v.union([quantity, v.nan()]), NaN);

const estimates = v.optional(
  v.strictObject({
    executionMs: estimate,
    startMs: estimate,
    coldShare: estimate,
  }),
  {},
);

const qosClass = v.strictObject({
  name: v.optional(v.string(), defaultClass.name),
  id: v.optional(v.number(), defaultClass.id),
  utility: v.optional(v.number(), defaultClass.utility),
  penalty: v.optional(v.number(), defaultClass.penalty),
  limit: v.optional(quantity, defaultClass.limit),
  completion: v.optional(quantity, defaultClass.completion),
  weight: v.optional(quantity, defaultClass.weight),
});

const request = v.strictObject({
  id: v.optional(v.string(), "f-1"),
  functionName: v.optional(v.string(), "f"),
  memoryMib: v.optional(quantity, 128),
  cpu: v.optional(quantity, 0),
  qosClass: v.optional(qosClass, {}),
  budgetMs: v.optional(v.number(), Infinity),
  inputSize: v.optional(quantity, 0),
  canOffload: v.optional(v.boolean(), true),
  waited: v.optional(v.boolean(), false),
});

const node = v.strictObject({
  supported: v.optional(v.boolean(), true),
  warm: v.optional(v.boolean(), false),
  canStart: v.optional(v.boolean(), false),
  imageMissing: v.optional(v.boolean(), false),
  queueLength: v.optional(quantity, 0),
  queueCapacity: v.optional(quantity, 1000),
  queueWaitMs: estimate,
  availableMemoryMib: v.optional(quantity, 1024),
  freeMemoryMib: v.optional(quantity, 1024),
  totalMemoryMib: v.optional(quantity, 1024),
  freeCpu: v.optional(quantity, 1),
  totalCpu: v.optional(quantity, 1),
  local: estimates,
  remote: estimates,
});

/** Schema of another node; defaults of a neighbour and of the cloud differ. */
function elsewhere(id: string, area: string, isCloud: boolean, room: number) {
  return v.pipe(
    v.strictObject({
      id: v.optional(v.string(), id),
      area: v.optional(v.string(), area),
      rttMs: v.optional(quantity, 1),
      ageMs: v.optional(quantity, 0),
      availableMemoryMib: v.optional(quantity, room),
      freeCpu: unbounded,
      queueLength: v.optional(quantity, 0),
      warm: v.optional(v.boolean(), false),
      imageMissing: v.optional(v.boolean(), false),
    }),
    v.transform((peer): PeerView => ({ ...peer, isCloud })),
  );
}

const situation = v.strictObject({
  name: v.string(),
  request: v.optional(request, {}),
  node: v.optional(node, {}),
  peers: v.optional(v.array(elsewhere("peer", "edge", false, 1024)), []),
  cloud: v.optional(elsewhere("cloud", "cloud", true, Infinity)),
});

const arrivals = v.strictObject({
  functionName: v.optional(v.string(), "f"),
  qosClass: v.optional(qosClass, {}),
  memoryMib: v.optional(quantity, 128),
  rate: quantity,
  inputSize: v.optional(quantity, 0),
  local: estimates,
  edge: estimates,
  remote: estimates,
  loss: v.optional(quantity, 0),
});

const statistics = v.strictObject({
  arrivals: v.array(arrivals),
  memoryMib: v.optional(quantity, 1024),
  peerMemoryMib: v.optional(quantity, 0),
  edgeRttMs: unbounded,
  cloudRttMs: unbounded,
});

const file = v.strictObject({
  settings: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])), {}),
  statistics: v.optional(statistics),
  situations: v.array(situation),
});

/** Situations by name, and the settings and statistics of the policy. */
type Situations = Omit<v.InferOutput<typeof file>, "statistics" | "situations"> & {
  readonly statistics: Statistics | undefined;
  readonly situations: readonly (Situation & { readonly name: string })[];
};

/**
 * Reads situations. By default, the node is idle, can start no instance and knows no other node, the
 * request has no deadline, and a neighbour has free memory.
 *
 * @param value parsed JSON
 * @throws `INVALID_REQUEST` with the path of the first bad field
 */
export function readSituations(value: unknown): Situations {
  const { settings, statistics, situations } = parse(file, value);
  return {
    settings,
    statistics,
    situations: situations.map(({ name, request, node, peers, cloud }) => ({
      name,
      request,
      view: { ...node, peers, cloud },
    })),
  };
}

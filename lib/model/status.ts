/**
 * Status of a node.
 *
 * @module
 */

import * as v from "valibot";
import { type InsideOf, wireNames } from "../json/wire_names.ts";

/** Schema of the response of `GET /status`: the fields of the Go node, then new ones. Memory is MiB. */
export const statusSchema = v.object({
  AvailableWarmContainers: v.pipe(
    v.record(v.string(), v.number()),
    v.description("Idle instances by function"),
  ),
  TotalMemory: v.number(),
  AvailableMemory: v.pipe(v.number(), v.description("Total less what busy instances hold")),
  FreeMemory: v.pipe(v.number(), v.description("Total less what busy and idle instances hold")),
  TotalCPU: v.number(),
  UsedCPU: v.number(),
  Coordinates: v.object({ Vec: v.array(v.number()), Error: v.number(), Height: v.number() }),
  LoadAvg: v.pipe(v.array(v.number()), v.description("1, 5 and 15 min")),
  LastUpdateTime: v.pipe(v.number(), v.description("Unix time, s")),
  Node: v.string(),
  Area: v.string(),
  Architecture: v.string(),
  Version: v.string(),
  UptimeS: v.number(),
  Functions: v.pipe(v.number(), v.description("Registered functions")),
  Instances: v.pipe(
    v.array(
      v.object({ Function: v.string(), Starting: v.number(), Busy: v.number(), Idle: v.number() }),
    ),
    v.description("Instances by function; functions with none are left out"),
  ),
  QueueLength: v.pipe(v.number(), v.description("Requests that wait for resources")),
  Running: v.pipe(v.number(), v.description("Invocations that are executing")),
  Problems: v.pipe(
    v.array(v.string()),
    v.description(
      "What the node has to do without: registry, containers, neighbours, cloud, policy",
    ),
  ),
  Registry: v.object({ Kind: v.string(), Ok: v.boolean(), Problem: v.optional(v.string()) }),
  Runtimes: v.pipe(
    v.array(v.object({ Runtime: v.string(), Ok: v.boolean() })),
    v.description("Whether instances of each runtime can be started now"),
  ),
  Engine: v.object({ Ok: v.boolean(), Problem: v.optional(v.string()) }),
  Pulls: v.pipe(
    v.array(v.object({ Image: v.string(), Percent: v.number(), Message: v.string() })),
    v.description("Images that are being fetched"),
  ),
  MissingImages: v.pipe(
    v.array(v.string()),
    v.description(
      "What runtimes and functions need of images and is not here: the runtime, for functions " +
        "with an image of their own followed by a space and that image",
    ),
  ),
  GenericInstances: v.pipe(
    v.record(v.string(), v.number()),
    v.description(
      "Instances that are ready for no function yet, by runtime; FreeMemory is without them",
    ),
  ),
  Spares: v.pipe(
    v.record(v.string(), v.number()),
    v.description("Deprecated: former name of GenericInstances"),
  ),
  Code: v.optional(v.pipe(
    v.object({ Count: v.number(), Bytes: v.number() }),
    v.description(
      "Code of functions on this node's disk, archives and unpacked files, that goes with its last " +
        "function; left out as long as none was used since the start",
    ),
  )),
});

/** Converts statuses from and to the wire format. */
export const statusNames = wireNames(statusSchema, {
  TotalMemory: "totalMemoryMib",
  AvailableMemory: "availableMemoryMib",
  FreeMemory: "freeMemoryMib",
  TotalCPU: "totalCpu",
  UsedCPU: "usedCpu",
  Vec: "vector",
  LastUpdateTime: "lastUpdateS",
  Function: "functionName",
});

/** Status of a node, with internal names. */
export type NodeStatus = InsideOf<typeof statusNames>;

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
    v.description("Number of idle instances by function"),
  ),
  TotalMemory: v.number(),
  AvailableMemory: v.pipe(v.number(), v.description("Total memory minus that of busy instances")),
  FreeMemory: v.pipe(
    v.number(),
    v.description("Total memory minus that of busy and idle instances"),
  ),
  TotalCPU: v.number(),
  UsedCPU: v.number(),
  Coordinates: v.object({ Vec: v.array(v.number()), Error: v.number(), Height: v.number() }),
  LoadAvg: v.pipe(v.array(v.number()), v.description("Load averages of 1, 5 and 15 min")),
  LastUpdateTime: v.pipe(v.number(), v.description("Unix time, s")),
  Node: v.string(),
  Area: v.string(),
  Architecture: v.string(),
  Version: v.string(),
  UptimeS: v.number(),
  Functions: v.pipe(
    v.number(),
    v.description("Number of registered functions that the key may see"),
  ),
  Instances: v.pipe(
    v.array(
      v.object({ Function: v.string(), Starting: v.number(), Busy: v.number(), Idle: v.number() }),
    ),
    v.description("Number of instances by function; functions without instances are omitted"),
  ),
  QueueLength: v.pipe(v.number(), v.description("Number of requests that wait for resources")),
  Running: v.pipe(v.number(), v.description("Number of running invocations")),
  Problems: v.pipe(
    v.array(v.string()),
    v.description(
      "State of each dependency: registry, containers, neighbours, cloud, policy",
    ),
  ),
  Registry: v.object({ Kind: v.string(), Ok: v.boolean(), Problem: v.optional(v.string()) }),
  Runtimes: v.pipe(
    v.array(v.object({ Runtime: v.string(), Ok: v.boolean() })),
    v.description("True for each runtime whose instances can be started now"),
  ),
  Engine: v.object({ Ok: v.boolean(), Problem: v.optional(v.string()) }),
  Pulls: v.pipe(
    v.array(v.object({ Image: v.string(), Percent: v.number(), Message: v.string() })),
    v.description("Images that are being pulled"),
  ),
  MissingImages: v.pipe(
    v.array(v.string()),
    v.description(
      "Missing images: the name of the runtime, followed for functions with a custom image by a space and the image",
    ),
  ),
  GenericInstances: v.pipe(
    v.record(v.string(), v.number()),
    v.description(
      "Number of generic instances by runtime; FreeMemory does not include their memory",
    ),
  ),
  Spares: v.pipe(
    v.record(v.string(), v.number()),
    v.description("Deprecated: former name of GenericInstances"),
  ),
  Code: v.optional(v.pipe(
    v.object({ Count: v.number(), Bytes: v.number() }),
    v.description(
      "Code of functions on this node's disk (archives and unpacked files), deleted with the last " +
        "function that uses it; omitted if none was used since the start",
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

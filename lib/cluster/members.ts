/**
 * Cluster members as the API shows them.
 *
 * @module
 */

import * as v from "valibot";
import { type InsideOf, wireNames } from "../json/wire_names.ts";
import type { NodeRecord, PeerStatus } from "../model/node.ts";

const described = (schema: v.GenericSchema<unknown, number | null>, text: string) =>
  v.pipe(schema, v.description(text));
const measure = v.nullable(v.number());

/** One member of the cluster in the response of `GET /nodes`; null for unknown values. */
export const memberSchema = v.object({
  Id: v.string(),
  Area: v.string(),
  Role: v.picklist(["node", "balancer"]),
  Url: v.pipe(v.string(), v.description("URL of its API")),
  Architecture: v.string(),
  Self: v.pipe(v.boolean(), v.description("True for the node that responds")),
  Reachable: v.pipe(
    v.boolean(),
    v.description(
      "False if it does not respond or is not trusted; load balancers of areas other than the cloud are not checked",
    ),
  ),
  IsCloudTarget: v.pipe(
    v.boolean(),
    v.description("True if requests are offloaded to the cloud through this load balancer"),
  ),
  RttMs: described(measure, "Expected round-trip time, ms"),
  AgeMs: described(measure, "Age of the following values, ms"),
  AvailableMemory: described(measure, "Memory available for instances, MiB"),
  TotalMemory: described(measure, "Total memory for instances, MiB"),
  FreeCPU: described(measure, "CPU not used by busy instances, cores"),
  QueueLength: described(measure, "Number of queued requests"),
  Running: described(measure, "Number of running invocations"),
  Coordinates: v.nullable(
    v.object({ Vec: v.array(v.number()), Error: v.number(), Height: v.number() }),
  ),
  Problem: v.pipe(
    v.nullable(v.string()),
    v.description(
      "Mismatch with the responding node in registration, version, cluster.secret or clock; null: none known",
    ),
  ),
});

/** Names of a member's fields in code and on the wire. */
export const memberNames = wireNames(memberSchema, {
  AvailableMemory: "availableMemoryMib",
  TotalMemory: "totalMemoryMib",
  FreeCPU: "freeCpu",
  Vec: "vector",
});

/** One member of the cluster in the API. */
export type MemberView = InsideOf<typeof memberNames>;

/** Data of a member. */
export interface Member {
  readonly record: NodeRecord;
  readonly status: PeerStatus | undefined;
  /** Expected round trip, ms; may be infinite. */
  readonly rttMs: number;
  /** When it last responded, on the node's clock. */
  readonly lastSeenAt: number;
  readonly reachable: boolean;
  /** Mismatches between it and this node; absent for this node. */
  readonly mismatches?: { readonly text: string };
}

/**
 * Converts a member to its representation in the API.
 *
 * @param now on the clock of `lastSeenAt`
 * @param isCloudTarget true if requests are offloaded to the cloud through it
 */
export function viewOf(member: Member, now: number, isCloudTarget: boolean): MemberView {
  const { record, status } = member;
  const coordinate = status?.coordinate;
  return {
    id: record.id,
    area: record.area,
    role: record.role,
    url: record.url,
    architecture: record.architecture,
    self: false,
    reachable: member.reachable,
    isCloudTarget,
    rttMs: rounded(member.rttMs),
    ageMs: rounded(now - member.lastSeenAt),
    availableMemoryMib: status?.availableMemoryMib ?? null,
    totalMemoryMib: status?.totalMemoryMib ?? null,
    freeCpu: status?.freeCpu ?? null,
    queueLength: status?.queueLength ?? null,
    running: status?.running ?? null,
    coordinates: coordinate
      ? { vector: [...coordinate.vector], error: coordinate.error, height: coordinate.height }
      : null,
    problem: member.mismatches?.text || null,
  };
}

/** Rounds a number to three digits; null if it is not finite. */
function rounded(ms: number): number | null {
  return Number.isFinite(ms) ? Math.round(ms * 1000) / 1000 : null;
}

/**
 * The members of a cluster as one of them shows them.
 *
 * @module
 */

import * as v from "valibot";
import type { NodeRecord, PeerStatus } from "../model/node.ts";

const described = (schema: v.GenericSchema<unknown, number | null>, text: string) =>
  v.pipe(schema, v.description(text));
const measure = v.nullable(v.number());

/** One member of the cluster, in the answer of `GET /nodes`; null for what is not known. */
export const memberSchema = v.object({
  Id: v.string(),
  Area: v.string(),
  Role: v.picklist(["node", "balancer"]),
  Url: v.pipe(v.string(), v.description("Where its API is reached")),
  Architecture: v.string(),
  Self: v.pipe(v.boolean(), v.description("True for the node that answers")),
  Reachable: v.pipe(
    v.boolean(),
    v.description(
      "False while it does not answer; balancers of areas that are not the cloud are not asked",
    ),
  ),
  IsCloudTarget: v.pipe(v.boolean(), v.description("True if requests go to the cloud by it")),
  RttMs: described(measure, "Expected round trip, ms"),
  AgeMs: described(measure, "Age of what follows, ms"),
  AvailableMemory: described(measure, "Memory that instances could take, MiB"),
  TotalMemory: described(measure, "Memory for instances, MiB"),
  FreeCPU: described(measure, "CPU that no busy instance holds, cores"),
  QueueLength: described(measure, "Requests that wait there"),
  Running: described(measure, "Invocations that run there"),
  Coordinates: v.nullable(
    v.object({ Vec: v.array(v.number()), Error: v.number(), Height: v.number() }),
  ),
  Problem: v.pipe(
    v.nullable(v.string()),
    v.description(
      "Why it and the answering node do not understand each other: version, cluster.secret, clocks; null: nothing known",
    ),
  ),
});

/** One member of the cluster as a node sees it. */
export type MemberView = v.InferOutput<typeof memberSchema>;

/** What is shown of a member. */
export interface Member {
  /** As the registry has it. */
  readonly record: NodeRecord;
  /** What it told last. */
  readonly news: PeerStatus | undefined;
  /** Expected round trip, ms; may be infinite. */
  readonly rttMs: number;
  /** When it was heard last. */
  readonly heardAt: number;
  /** False if it is taken for dead. */
  readonly reachable: boolean;
  /** What is wrong between it and this node; absent for this node. */
  readonly problems?: { readonly text: string };
}

/**
 * How a member is shown.
 *
 * @param member who
 * @param now on the clock of its `heardAt`
 * @param isCloudTarget true if requests go to the cloud by it
 */
export function viewOf(member: Member, now: number, isCloudTarget: boolean): MemberView {
  const { record, news } = member;
  const place = news?.coordinate;
  return {
    Id: record.id,
    Area: record.area,
    Role: record.role,
    Url: record.url,
    Architecture: record.architecture,
    Self: false,
    Reachable: member.reachable,
    IsCloudTarget: isCloudTarget,
    RttMs: known(member.rttMs),
    AgeMs: known(now - member.heardAt),
    AvailableMemory: news?.availableMemoryMib ?? null,
    TotalMemory: news?.totalMemoryMib ?? null,
    FreeCPU: news?.freeCpu ?? null,
    QueueLength: news?.queueLength ?? null,
    Running: news?.running ?? null,
    Coordinates: place
      ? { Vec: [...place.vector], Error: place.error, Height: place.height }
      : null,
    Problem: member.problems?.text || null,
  };
}

/** A number to the microsecond; null if it is none. */
function known(ms: number): number | null {
  return Number.isFinite(ms) ? Math.round(ms * 1000) / 1000 : null;
}

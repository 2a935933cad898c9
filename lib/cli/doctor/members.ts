/**
 * Asks each member of etcd for its status and its time.
 *
 * @module
 */

import type { EtcdOptions } from "../../registry/etcd/client/options.ts";
import { asEtcdError, EtcdTransport } from "../../registry/etcd/client/transport.ts";
import { measureOffset } from "./offset.ts";

/** Longest time until a member answers, ms. */
const answerTimeoutMs = 5000;

/** One member of etcd. */
export interface Member {
  /** Address as it is configured. */
  readonly endpoint: string;
  /** Why it does not answer; the other fields are absent then. */
  readonly problem?: string;
  readonly version?: string;
  /** Whether the cluster has a leader. */
  readonly leader?: boolean;
  /** How far its clock is ahead of this machine's, ms; absent if it does not tell. */
  readonly offsetMs?: number;
}

/** Asks all members at the same time. */
export async function askMembers(options: EtcdOptions): Promise<Member[]> {
  using transport = new EtcdTransport(options);
  return await Promise.all(options.endpoints.map(async (endpoint): Promise<Member> => {
    try {
      const signal = AbortSignal.timeout(answerTimeoutMs);
      const { response, offsetMs } = await measureOffset(() =>
        transport.call(endpoint, "/v3/maintenance/status", "{}", { token: undefined, signal })
      );
      const { version, leader } = await response.json() as { version?: string; leader?: string };
      return {
        endpoint,
        version: version ?? "of unknown version",
        leader: leader !== undefined && leader !== "0",
        offsetMs,
      };
    } catch (error) {
      return { endpoint, problem: asEtcdError(error).message };
    }
  }));
}

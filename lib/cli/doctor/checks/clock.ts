/**
 * Checks this machine's clock against those of etcd and of the other nodes.
 *
 * @module
 */

import { quantity } from "../../../base/quantity.ts";
import type { Config } from "../../../config/config.ts";
import { type NodeRecord, storedNodeSchema } from "../../../model/node.ts";
import { EtcdClient } from "../../../registry/etcd/client/client.ts";
import { etcdOptions } from "../../../registry/etcd/client/config.ts";
import type { EtcdOptions } from "../../../registry/etcd/client/options.ts";
import { nodesPrefix } from "../../../registry/etcd/keys.ts";
import { readRecord } from "../../../registry/records.ts";
import { type Check, type Finding, fine, problem } from "../check.ts";
import { askMembers } from "../members.ts";
import { measureOffset } from "../offset.ts";

/** Difference that may be an effect of the measurement, ms. */
const exactMs = 2000;
/** Difference from which messages between nodes are refused soon, ms; their signatures are valid 30 s. */
const largeMs = 15_000;
/** Most nodes that are asked. */
const maxPeers = 20;
/** Longest time until a node answers, ms. */
const answerTimeoutMs = 3000;

/** Clocks of the machines of a cluster. */
export const clock: Check = {
  name: "clock",
  async run({ config }) {
    const options = usableOptions(config);
    if (!options) return [];
    const members = await askMembers(options);
    const offsets = members.flatMap(({ endpoint, offsetMs }) =>
      offsetMs === undefined ? [] : [{ name: `etcd at ${endpoint}`, offsetMs }]
    );
    if (members.some(({ problem }) => problem === undefined)) {
      using client = new EtcdClient(options);
      const nodes = await listNodes(client).catch(() => []);
      offsets.push(...(await Promise.all(nodes.map(askNode))).flat());
    }
    return assessClock(offsets);
  },
};

/** Options of etcd; undefined if they cannot be used, which is for the check of etcd to say. */
function usableOptions(config: Config): EtcdOptions | undefined {
  try {
    return etcdOptions(config);
  } catch {
    return undefined;
  }
}

/**
 * Assesses the differences between clocks.
 *
 * @param offsets how far each clock is ahead of this machine's
 */
export function assessClock(
  offsets: readonly { readonly name: string; readonly offsetMs: number }[],
): Finding[] {
  if (offsets.length === 0) return [];
  const far = offsets.filter(({ offsetMs }) => Math.abs(offsetMs) > exactMs);
  if (far.length === 0) {
    return [fine(`The clock is within 2 s of ${quantity(offsets.length, "other clock")}`)];
  }
  return far.map(({ name, offsetMs }) => {
    const seconds = (Math.abs(offsetMs) / 1000).toFixed(1);
    return problem(
      Math.abs(offsetMs) > largeMs ? "error" : "warning",
      `The clock of ${name} is ${seconds} s ${offsetMs > 0 ? "ahead of" : "behind"} this machine's`,
      "Synchronize both: timedatectl set-ntp true, or install chrony",
    );
  });
}

async function listNodes(client: EtcdClient): Promise<NodeRecord[]> {
  const { entries } = await client.list(nodesPrefix);
  const decoder = new TextDecoder();
  return entries.slice(0, maxPeers).flatMap(({ key, value }) =>
    readRecord(storedNodeSchema, decoder.decode(value), key) ?? []
  );
}

async function askNode({ id, url }: NodeRecord): Promise<{ name: string; offsetMs: number }[]> {
  try {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const { response, offsetMs } = await measureOffset(() => fetch(`${url}/healthz`, { signal }));
    await response.body?.cancel();
    return offsetMs === undefined ? [] : [{ name: `node ${id}`, offsetMs }];
  } catch {
    return []; // A node that has just ended is no matter of this machine.
  }
}

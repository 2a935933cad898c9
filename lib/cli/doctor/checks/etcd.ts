/**
 * Checks whether etcd answers, and lets this node in.
 *
 * @module
 */

import { asServerledgeError } from "../../../base/errors.ts";
import { EtcdClient } from "../../../registry/etcd/client/client.ts";
import { etcdOptions } from "../../../registry/etcd/client/config.ts";
import { identityKey } from "../../../registry/etcd/keys.ts";
import { type Check, type Finding, fine, problem } from "../check.ts";
import { askMembers, type Member } from "../members.ts";

/** Members of etcd, and a read with the node's credentials. */
export const etcd: Check = {
  name: "etcd",
  async run({ config }) {
    let options;
    try {
      options = etcdOptions(config);
    } catch (error) {
      const { message } = asServerledgeError(error);
      return [problem("error", message, "Correct etcd.* in the configuration")];
    }
    if (!options) return [];
    const members = await askMembers(options);
    const findings = members.map((member) => describe(member, options.endpoints.length));
    if (members.every(({ problem }) => problem !== undefined)) return findings;
    using client = new EtcdClient(options);
    try {
      await client.get(identityKey);
      findings.push(fine("This node may read the registry"));
    } catch (error) {
      findings.push(problem(
        "error",
        asServerledgeError(error).message,
        "Check etcd.username, etcd.password, etcd.tls.*, and the role of the user in etcd",
      ));
    }
    return findings;
  },
};

function describe(member: Member, count: number): Finding {
  const { endpoint, version } = member;
  if (member.problem !== undefined) {
    return problem(
      // The node goes on with the others.
      count > 1 ? "warning" : "error",
      `etcd does not respond at ${endpoint}: ${member.problem}`,
      "Start it, or correct etcd.address; check that a firewall lets the node through",
    );
  }
  if (member.leader) return fine(`etcd ${version} responds at ${endpoint}`);
  return problem(
    "error",
    `etcd ${version} at ${endpoint} has no leader`,
    "Start the other members: more than half of them must run",
  );
}

/**
 * `serverledge nodes`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferOutput } from "valibot";
import type { answers } from "../../api/schemas.ts";
import type { MemberView } from "../../cluster/members.ts";
import { type Command, defineCommand } from "../command.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { printable, styled } from "../view/style.ts";
import { formatDuration, formatTable } from "../view/table.ts";
import type { Output } from "../terminal.ts";

/** Shows the members of the cluster. */
export const nodes: Command = defineCommand({
  name: "nodes",
  brief: "Show the nodes of the cluster",
  description:
    "As one node sees them, which the first line names: distances and loads are what it has measured " +
    "and heard. A balancer passes the question on to one of its nodes.",
  examples: [
    ["serverledge nodes", "a table on a terminal, JSON elsewhere"],
    ["serverledge nodes -H 10.0.0.7", "as another node sees them"],
  ],
  options: object({}),
  async run(_options, globals, terminal) {
    using node = await connect(globals, terminal);
    const answer = await node.get("/nodes");
    show(answer, globals, terminal, () => nodeTable(answer.json as NodesAnswer, terminal.out));
  },
});

/** The answer of `GET /nodes`. */
type NodesAnswer = InferOutput<typeof answers.nodes>;

/**
 * The members of a cluster as a table for people.
 *
 * @param answer of the node
 * @param output where it will be written
 */
export function nodeTable(
  { Node, Nodes: members }: NodesAnswer,
  output: Pick<Output, "colour">,
): string {
  if (members.length === 0) {
    return `Node ${printable(Node)} is alone: nodes that share an etcd make a cluster`;
  }
  const noted = members.some(({ Problem }) => Problem);
  const table = formatTable(
    [
      ..."AREA|NODE|ROLE|ARCH|>ROUND TRIP|>MEMORY FREE|>RUNNING|>WAITING|>NEWS|URL|STATE".split(
        "|",
      ),
      ...(noted ? ["NOTE"] : []),
    ],
    members.map((member) => [
      member.Area,
      member.Id,
      member.Role,
      member.Role === "node" ? member.Architecture : "-",
      member.Self ? "-" : duration(member.RttMs),
      member.TotalMemory === null ? "-" : `${member.AvailableMemory} of ${member.TotalMemory} MiB`,
      count(member.Running),
      count(member.QueueLength),
      member.Self ? "-" : duration(member.AgeMs),
      member.Url,
      stateOf(member, output),
      ...(noted ? [member.Problem ?? ""] : []),
    ]),
  );
  return `As node ${printable(Node)} sees them:\n\n${table}`;
}

function stateOf(member: MemberView, output: Pick<Output, "colour">): string {
  if (member.Self) return "itself";
  if (!member.Reachable) return styled(output, "red", "unreachable");
  if (member.AgeMs === null) {
    // Only balancers of its cloud are asked by a node whether they are healthy.
    return member.Role === "balancer" && !member.IsCloudTarget ? "not asked" : "not heard yet";
  }
  return member.IsCloudTarget ? "reachable, cloud target" : "reachable";
}

function duration(ms: number | null): string {
  return ms === null ? "-" : formatDuration(ms / 1000);
}

function count(value: number | null): string {
  return value === null ? "-" : String(value);
}

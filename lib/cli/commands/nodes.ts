/**
 * Subcommand `serverledge nodes`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { InferOutput } from "valibot";
import type { answers } from "../../api/schemas.ts";
import { memberNames, type MemberView } from "../../cluster/members.ts";
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
  description: "Shows the view of one node, which the first line names: it measures distances " +
    "itself, and the other nodes report their load. A load balancer forwards the request " +
    "to one of its nodes.",
  examples: [
    ["serverledge nodes", "a table on a terminal, otherwise JSON"],
    ["serverledge nodes -H 10.0.0.7", "the view of another node"],
  ],
  options: object({}),
  async run(_options, globals, terminal) {
    using node = await connect(globals, terminal);
    const answer = await node.get("/nodes");
    show(answer, globals, terminal, () => nodeTable(answer.json as NodesAnswer, terminal.out));
  },
});

/** Response of `GET /nodes`. */
type NodesAnswer = InferOutput<typeof answers.nodes>;

/**
 * Formats the members of a cluster as a table for people.
 *
 * @param output where it will be written
 */
export function nodeTable(
  { Node: node, Nodes }: NodesAnswer,
  output: Pick<Output, "colour">,
): string {
  const members = Nodes.map(memberNames.fromWire);
  if (members.length === 0) {
    return `Node ${printable(node)} has no cluster: nodes that share an etcd form one`;
  }
  const noted = members.some(({ problem }) => problem);
  const table = formatTable(
    [
      ..."AREA|NODE|ROLE|ARCH|>ROUND TRIP|>MEMORY FREE|>RUNNING|>WAITING|>STATUS AGE|URL|STATE"
        .split(
          "|",
        ),
      ...(noted ? ["NOTE"] : []),
    ],
    members.map((member) => [
      member.area,
      member.id,
      member.role,
      member.role === "node" ? member.architecture : "-",
      member.self ? "-" : duration(member.rttMs),
      member.totalMemoryMib === null
        ? "-"
        : `${member.availableMemoryMib} of ${member.totalMemoryMib} MiB`,
      count(member.running),
      count(member.queueLength),
      member.self ? "-" : duration(member.ageMs),
      member.url,
      stateOf(member, output),
      ...(noted ? [member.problem ?? ""] : []),
    ]),
  );
  return `View of node ${printable(node)}:\n\n${table}`;
}

function stateOf(member: MemberView, output: Pick<Output, "colour">): string {
  if (member.self) return "itself";
  if (!member.reachable) return styled(output, "red", "unreachable");
  if (member.ageMs === null) {
    // A node checks the health only of balancers of its cloud.
    return member.role === "balancer" && !member.isCloudTarget ? "not asked" : "no status yet";
  }
  return member.isCloudTarget ? "reachable, cloud target" : "reachable";
}

function duration(ms: number | null): string {
  return ms === null ? "-" : formatDuration(ms / 1000);
}

function count(value: number | null): string {
  return value === null ? "-" : String(value);
}

/**
 * Subcommand `serverledge status`.
 *
 * @module
 */

import { quantity } from "../../base/quantity.ts";
import { object } from "@optique/core/constructs";
import type { WireOf } from "../../json/wire_names.ts";
import { type NodeStatus, statusNames } from "../../model/status.ts";
import { isBalancerStatus, readableBalancer } from "../view/balancer.ts";
import { type Command, defineCommand } from "../command.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { printable, styled } from "../view/style.ts";
import { formatBytes, formatDuration, formatFields, formatTable } from "../view/table.ts";
import type { Output } from "../terminal.ts";

/** Shows the status of a node or a balancer. */
export const status: Command = defineCommand({
  name: "status",
  brief: "Show the status of a node",
  examples: [
    ["serverledge status", "a table on a terminal, otherwise JSON"],
    ["serverledge status -H 10.0.0.7", "the status of another node"],
  ],
  options: object({}),
  async run(_options, globals, terminal) {
    using node = await connect(globals, terminal);
    const answer = await node.get("/status");
    show(answer, globals, terminal, () => readable(answer.json, terminal.out));
  },
});

function readable(status: unknown, output: Output): string {
  return isBalancerStatus(status)
    ? readableBalancer(status, output)
    : readableStatus(statusNames.fromWire(status as WireOf<typeof statusNames>), output);
}

/**
 * Formats a node's status for people.
 *
 * @param output where it will be written
 */
export function readableStatus(node: NodeStatus, output: Pick<Output, "colour">): string {
  const health = ({ ok, problem }: { ok: boolean; problem?: string | undefined }) =>
    ok
      ? styled(output, "green", "ok")
      : styled(output, "red", printable(problem ?? "not available"));
  const busy = node.totalMemoryMib - node.availableMemoryMib;
  const idle = node.availableMemoryMib - node.freeMemoryMib;
  const generics = Object.entries(node.genericInstances ?? {}).map(([id, count]) =>
    `${count} ${id}`
  ).join(
    ", ",
  );
  const fields = formatFields([
    ["node", `${node.node} in ${node.area}, ${node.architecture}, version ${node.version}`],
    ["up", formatDuration(node.uptimeS)],
    [
      "memory",
      `${node.totalMemoryMib} MiB: ${busy} busy, ${idle} idle, ${node.freeMemoryMib} free`,
    ],
    ...(generics === "" ? [] : [["generic", generics] as [string, string]]),
    ["cpu", `${node.usedCpu} of ${node.totalCpu} cores busy`],
    ["requests", `${node.running} running, ${node.queueLength} waiting`],
    ["functions", String(node.functions)],
    ...(node.code ? [["code", readableCode(node.code)] as [string, string]] : []),
    ["registry", `${node.registry.kind}, ${health(node.registry)}`],
    ["runtimes", readableRuntimes(node.runtimes)],
    ["containers", health(node.engine)],
    // Those of the registry and of containers are shown in their own rows.
    ...node.problems.filter((problem) => !/^(registry|containers):/.test(problem))
      .map((problem): [string, string] => ["problem", styled(output, "red", printable(problem))]),
  ]);
  if (node.instances.length === 0) return fields;
  const table = formatTable(
    ["FUNCTION", ">STARTING", ">BUSY", ">IDLE"],
    node.instances.map((row) => [
      row.functionName,
      String(row.starting),
      String(row.busy),
      String(row.idle),
    ]),
  );
  return `${fields}\n\n${table}`;
}

function readableCode({ count, bytes }: NonNullable<NodeStatus["code"]>): string {
  return `${quantity(count, "archive")}, ${formatBytes(bytes)} on disk`;
}

function readableRuntimes(runtimes: NodeStatus["runtimes"]): string {
  const named = (wanted: boolean) =>
    runtimes.filter(({ ok }) => ok === wanted).map(({ runtime }) => printable(runtime)).join(", ");
  const missing = named(false);
  return missing === "" ? named(true) : `${named(true) || "none"}; not now: ${missing}`;
}

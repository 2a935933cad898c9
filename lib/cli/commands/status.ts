/**
 * `serverledge status`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import type { NodeStatus } from "../../model/status.ts";
import { isBalancerStatus, readableBalancer } from "../view/balancer.ts";
import { type Command, defineCommand } from "../command.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { printable, styled } from "../view/style.ts";
import { formatBytes, formatDuration, formatFields, formatTable } from "../view/table.ts";
import type { Output } from "../terminal.ts";

/** Tells what a node or a balancer is doing. */
export const status: Command = defineCommand({
  name: "status",
  brief: "Tell what the node is doing",
  examples: [
    ["serverledge status", "for people on a terminal, JSON elsewhere"],
    ["serverledge status -H 10.0.0.7", "of another node"],
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
    : readableStatus(status as NodeStatus, output);
}

/**
 * A node's status for people.
 *
 * @param node what the node told
 * @param output where it will be written
 */
export function readableStatus(node: NodeStatus, output: Pick<Output, "colour">): string {
  const health = ({ Ok, Problem }: { Ok: boolean; Problem?: string | undefined }) =>
    Ok
      ? styled(output, "green", "ok")
      : styled(output, "red", printable(Problem ?? "not available"));
  const busy = node.TotalMemory - node.AvailableMemory;
  const idle = node.AvailableMemory - node.FreeMemory;
  const spares = Object.entries(node.Spares ?? {}).map(([id, count]) => `${count} ${id}`).join(
    ", ",
  );
  const fields = formatFields([
    ["node", `${node.Node} in ${node.Area}, ${node.Architecture}, version ${node.Version}`],
    ["up", formatDuration(node.UptimeS)],
    ["memory", `${node.TotalMemory} MiB: ${busy} busy, ${idle} idle, ${node.FreeMemory} free`],
    ...(spares === "" ? [] : [["spares", spares] as [string, string]]),
    ["cpu", `${node.UsedCPU} of ${node.TotalCPU} cores busy`],
    ["requests", `${node.Running} running, ${node.QueueLength} waiting`],
    ["functions", String(node.Functions)],
    ...(node.Code ? [["code", readableCode(node.Code)] as [string, string]] : []),
    ["registry", `${node.Registry.Kind}, ${health(node.Registry)}`],
    ["runtimes", readableRuntimes(node.Runtimes)],
    ["containers", health(node.Engine)],
    // Registry and containers tell their problems in rows of their own.
    ...node.Problems.filter((problem) => /^(neighbours|cloud):/.test(problem))
      .map((problem): [string, string] => ["without", styled(output, "red", printable(problem))]),
  ]);
  if (node.Instances.length === 0) return fields;
  const table = formatTable(
    ["FUNCTION", ">STARTING", ">BUSY", ">IDLE"],
    node.Instances.map((row) => [
      row.Function,
      String(row.Starting),
      String(row.Busy),
      String(row.Idle),
    ]),
  );
  return `${fields}\n\n${table}`;
}

function readableCode({ Count, Bytes }: NonNullable<NodeStatus["Code"]>): string {
  return `${Count} ${Count === 1 ? "archive" : "archives"}, ${formatBytes(Bytes)} on disk`;
}

function readableRuntimes(runtimes: NodeStatus["Runtimes"]): string {
  const named = (wanted: boolean) =>
    runtimes.filter(({ Ok }) => Ok === wanted).map(({ Runtime }) => printable(Runtime)).join(", ");
  const missing = named(false);
  return missing === "" ? named(true) : `${named(true) || "none"}; not now: ${missing}`;
}

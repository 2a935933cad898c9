/**
 * Formats a balancer's status for people.
 *
 * @module
 */

import type { BalancerStatus, TargetStatus } from "../../balancer/status.ts";
import { printable, styled } from "./style.ts";
import { formatDuration, formatFields, formatTable } from "./table.ts";
import type { Output } from "../terminal.ts";

/**
 * Returns true for a balancer's status, false for a node's.
 *
 * @param status the response
 */
export function isBalancerStatus(status: unknown): status is BalancerStatus {
  return (status as Partial<BalancerStatus> | null)?.Role === "balancer";
}

/**
 * Formats a balancer's status.
 *
 * @param output where it will be written
 */
export function readableBalancer(status: BalancerStatus, output: Pick<Output, "colour">): string {
  const busy = status.TotalMemory - status.AvailableMemory;
  const { Ok, Problem, Kind } = status.Registry;
  const fields = formatFields([
    ["balancer", `${status.Node} of ${status.Area}, version ${status.Version}`],
    ["up", formatDuration(status.UptimeS)],
    ["memory", `${status.TotalMemory} MiB: ${busy} not available`],
    ["cpu", `${status.UsedCPU} of ${status.TotalCPU} cores busy`],
    ["requests", `${status.Running} running`],
    ["functions", String(status.Functions)],
    ["registry", `${Kind}, ${health(output, Ok, Problem)}`],
  ]);
  if (status.Targets.length === 0) return `${fields}\n\nThe area has no nodes.`;
  return `${fields}\n\n${targetTable(status.Targets, output)}`;
}

function targetTable(targets: readonly TargetStatus[], output: Pick<Output, "colour">): string {
  return formatTable(
    ["NODE", "URL", "ARCH", ">IN FLIGHT", ">AVAILABLE MIB", "HEALTH"],
    targets.map((target) => [
      printable(target.Node),
      printable(target.Url),
      printable(target.Architecture),
      String(target.InFlight),
      String(target.AvailableMemory ?? "?"),
      health(output, target.Healthy, target.Problem),
    ]),
  );
}

function health(output: Pick<Output, "colour">, ok: boolean, problem: string | undefined): string {
  return ok
    ? styled(output, "green", "ok")
    : styled(output, "red", printable(problem ?? "not available"));
}

/**
 * Checks of scenario files beyond their schema.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../../../base/errors.ts";
import { settings } from "../../../config/settings.ts";
import type { Scenario } from "./model.ts";
import type { Drawn, ScenarioFile } from "./schema.ts";

/**
 * Checks that the parts of a scenario are consistent.
 *
 * @param scenario the scenario for any seed
 * @throws `INVALID_REQUEST` with the path of the first error
 */
export function checkScenario(file: ScenarioFile, { nodes }: Pick<Scenario, "nodes">): void {
  const { warmup, duration, cloud } = file;
  if (warmup >= duration) {
    throw scenarioError(
      "warmup",
      `must be less than the duration of ${duration} s, current value is ${warmup}`,
    );
  }
  if (cloud !== undefined && !nodes.some(({ area }) => area === cloud)) {
    throw scenarioError("cloud", `no node is in area "${cloud}"`);
  }
  checkPlanInterval(file.settings);
  const memoryMib = Math.max(...nodes.map((node) => node.memoryMib));
  for (const [name, { memory }] of Object.entries(file.functions)) {
    // The maximum over all seeds, so that no seed fails after others have run.
    const most = Math.round(largest(memory));
    if (most <= memoryMib) continue;
    throw scenarioError(
      `functions.${name}.memory`,
      `must fit on a node: the largest has ${memoryMib} MiB, current value is ${most}`,
    );
  }
}

/**
 * Checks that names of groups and members are unique.
 *
 * @param section section of the file, for the path
 * @throws `INVALID_REQUEST` with the path of the second group with a name
 */
export function checkNames(
  section: string,
  groups: ReadonlyMap<string, readonly string[]>,
): void {
  const owners = new Map<string, string>();
  for (const [group, members] of groups) {
    for (const name of new Set([group, ...members])) {
      const owner = owners.get(name);
      if (owner !== undefined) {
        throw scenarioError(
          `${section}.${group}`,
          `"${name}" is also a name in ${section}.${owner}`,
        );
      }
      owners.set(name, group);
    }
  }
}

/**
 * Creates an error in a scenario.
 *
 * @param path path of the key
 */
export function scenarioError(path: string, problem: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", `${path}: ${problem}`, { details: { path } });
}

/** Checks the setting that the simulator uses; policies check theirs. */
function checkPlanInterval({ "plan.interval": value }: ScenarioFile["settings"]): void {
  const { schema, allowed } = settings["policy.plan.interval"];
  if (value === undefined || v.is(schema, value)) return;
  const text = JSON.stringify(value);
  throw scenarioError("settings.plan.interval", `expected ${allowed}, current value is ${text}`);
}

function largest(value: Drawn): number {
  if (typeof value === "number") return value;
  return "uniform" in value ? value.uniform[1] : Math.max(...value.choice);
}

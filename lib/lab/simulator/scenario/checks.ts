/**
 * What the schema of scenario files cannot tell: whether their parts fit together.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../../../base/errors.ts";
import { settings } from "../../../config/settings.ts";
import type { Scenario } from "./model.ts";
import type { Drawn, ScenarioFile } from "./schema.ts";

/**
 * Checks that something is left to count, and that the nodes are what the rest takes them for.
 *
 * @param file the file
 * @param scenario made of it, with any seed
 * @throws `INVALID_REQUEST` with the path of the first mistake
 */
export function checkScenario(file: ScenarioFile, { nodes }: Pick<Scenario, "nodes">): void {
  const { warmup, duration, cloud } = file;
  if (warmup >= duration) {
    throw wrong("warmup", `${warmup} s leave nothing to count of a duration of ${duration} s`);
  }
  if (cloud !== undefined && !nodes.some(({ area }) => area === cloud)) {
    throw wrong("cloud", `no node is in area "${cloud}"`);
  }
  checkPlanInterval(file.settings);
  const memoryMib = Math.max(...nodes.map((node) => node.memoryMib));
  for (const [name, { memory }] of Object.entries(file.functions)) {
    // Of all seeds, so that none is refused when others have run.
    const most = Math.round(largest(memory));
    if (most <= memoryMib) continue;
    throw wrong(
      `functions.${name}.memory`,
      `${most} MiB fit on no node: the largest has ${memoryMib} MiB`,
    );
  }
}

/**
 * Checks that a name means one group or one member of a group.
 *
 * @param section of the file, for the path
 * @param groups names of the members by group
 * @throws `INVALID_REQUEST` with the path of the second group that the name could mean
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
        throw wrong(`${section}.${group}`, `"${name}" is also a name in ${section}.${owner}`);
      }
      owners.set(name, group);
    }
  }
}

/**
 * A mistake in a scenario.
 *
 * @param path where it is
 * @param problem what is wrong there
 */
export function wrong(path: string, problem: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", `${path}: ${problem}`, { details: { path } });
}

/** The one setting that the simulator itself uses; policies check theirs. */
function checkPlanInterval({ "plan.interval": value }: ScenarioFile["settings"]): void {
  const { schema, allowed } = settings["policy.plan.interval"];
  if (value === undefined || v.is(schema, value)) return;
  const told = JSON.stringify(value);
  throw wrong("settings.plan.interval", `expected ${allowed}, current value is ${told}`);
}

function largest(value: Drawn): number {
  if (typeof value === "number") return value;
  return "uniform" in value ? value.uniform[1] : Math.max(...value.choice);
}

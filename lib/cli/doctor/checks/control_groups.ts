/**
 * Checks whether the kernel can limit sandboxes.
 *
 * @module
 */

import { randomId } from "../../../base/ids.ts";
import {
  createGroups,
  delegatedGroup,
  ownGroups,
} from "../../../runtime/sandbox/limits/cgroups.ts";
import { unitState } from "../../service/machine.ts";
import { type Check, fine, problem } from "../check.ts";

/** Control groups of the service if it runs; otherwise this process tries. */
export const controlGroups: Check = {
  name: "control groups",
  async run() {
    const pid = (await unitState())?.pid ?? 0;
    if (pid > 0 && await isDelegated(pid)) {
      return [
        fine("The service limits its sandboxes with its delegated control group"),
      ];
    }
    try {
      await using _groups = await createGroups({
        nodeId: `doctor-${randomId(12)}`,
        process: "doctor",
      });
      return [fine("Control groups limit the sandboxes of this user")];
    } catch (error) {
      return [problem(
        "warning",
        `This user cannot create control groups (${(error as Error).message}): a node of ` +
          "this user monitors the memory of sandboxes itself",
        "Run the node as root, or as a service (serverledge service install), on a machine " +
          "with control groups version 2",
      )];
    }
  },
};

async function isDelegated(pid: number): Promise<boolean> {
  const group = ownGroups(await Deno.readTextFile(`/proc/${pid}/cgroup`)).get("") ?? "/";
  const { uid } = await Deno.stat(`/proc/${pid}`);
  return delegatedGroup(group, uid) !== undefined;
}

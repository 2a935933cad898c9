/**
 * Checks whether the kernel can limit sandboxes.
 *
 * @module
 */

import { randomId } from "../../../base/ids.ts";
import { createGroups } from "../../../runtime/sandbox/limits/cgroups.ts";
import { type Check, fine, problem } from "../check.ts";

/** Control groups, tried by this process. */
export const controlGroups: Check = {
  name: "control groups",
  async run() {
    try {
      await using _groups = await createGroups(`doctor-${randomId(12)}`);
      return [fine("Control groups limit the sandboxes of this user")];
    } catch (error) {
      return [problem(
        "warning",
        `This user cannot create control groups (${
          (error as Error).message
        }): a node of this user ` +
          "watches the memory of sandboxes itself",
        "Run the node as root, or as a service (serverledge service install) on a machine with " +
          "control groups of version 2",
      )];
    }
  },
};

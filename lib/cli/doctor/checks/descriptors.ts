/**
 * Checks the limit of open files.
 *
 * @module
 */

import { descriptorLimit, fewDescriptors, readDescriptorLimit } from "../../../base/descriptors.ts";
import { unitState } from "../../service/machine.ts";
import { type Check, fine, problem } from "../check.ts";

/** Limit of the service's process if it runs, otherwise of this one, which a node would inherit. */
export const descriptors: Check = {
  name: "open files",
  async run() {
    const pid = (await unitState())?.pid ?? 0;
    const limits = pid > 0
      ? readDescriptorLimit(await Deno.readTextFile(`/proc/${pid}/limits`))
      : descriptorLimit();
    // A node raises its limit to the hard one.
    const found = `${pid > 0 ? "The service" : "A node"} may open ${limits.hard} files`;
    if (limits.hard >= fewDescriptors) return [fine(found)];
    return [problem(
      "warning",
      `${found}, which limits connections and instances`,
      "LimitNOFILE=65536 in the unit (systemctl edit serverledge), or ulimit -Hn in the shell",
    )];
  },
};

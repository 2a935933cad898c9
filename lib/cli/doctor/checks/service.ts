/**
 * Checks the service, if there is one.
 *
 * @module
 */

import { unitState } from "../../service/machine.ts";
import { type Check, fine, problem } from "../check.ts";

/** Whether the unit runs, and gives the node enough time to stop. */
export const service: Check = {
  name: "service",
  async run({ config }) {
    const unit = await unitState();
    if (!unit || unit.load === "not-found") return [];
    const graceS = config["shutdown.grace"];
    const findings = [
      unit.active === "active"
        ? fine(`The service runs as ${unit.user}, process ${unit.pid}`)
        : problem(
          "warning",
          `The service is ${unit.active}`,
          "Run systemctl start serverledge; journalctl -u serverledge shows why it ended",
        ),
    ];
    if (unit.stopTimeoutS > graceS) return findings;
    return [
      ...findings,
      problem(
        "warning",
        `systemd kills a stopping node after ${unit.stopTimeoutS} s, before shutdown.grace ` +
          `(${graceS} s) ends: its containers would remain`,
        `Set TimeoutStopSec=${Math.ceil(graceS) + 30} in the unit (systemctl edit serverledge)`,
      ),
    ];
  },
};

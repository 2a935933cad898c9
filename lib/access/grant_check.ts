/**
 * Checks of grants beyond their schema.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import type { QosClasses } from "../model/qos.ts";
import type { Grant } from "./key.ts";

/**
 * Checks that a new key would permit what its grant says.
 *
 * @param classes QoS classes of this node
 * @throws `UNPROCESSABLE` with the path of the field
 */
export function checkGrant({ role, functions, classes: named }: Grant, classes: QosClasses): void {
  if (role === "admin" && !functions.includes("*")) {
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `Functions: the role admin has all rights on all functions, and cannot be restricted to ${
        functions.join(", ")
      }: use the role deployer, or leave the functions out`,
      { details: { path: "Functions" } },
    );
  }
  const unknown = named.find((name) => classes.of(name).name !== name);
  if (unknown !== undefined) throw classes.unknown(unknown, "Classes");
}

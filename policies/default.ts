/**
 * The default policy: run here if possible, else wait in line if the answer can still be in time,
 * else say that the node is full.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy/contract.ts";
import { canRun, run, waitOrReject } from "./decisions.ts";

/** Runs everything on this node. */
export const defaultPolicy: PolicyFactory = (): Policy => ({
  name: "default",
  decide: (request, view) => canRun(view) ? run : waitOrReject(request, view),
});

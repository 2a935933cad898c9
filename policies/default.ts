/**
 * The default policy: runs a request here if possible, else lets it wait if the response can still be in
 * time, else rejects it.
 *
 * @module
 */

import type { Policy, PolicyFactory } from "../lib/policy/contract.ts";
import { canRun, run, waitOrReject } from "./decisions.ts";

/** Runs every request on this node. */
export const defaultPolicy: PolicyFactory = (): Policy => ({
  name: "default",
  decide: (request, view) => canRun(view) ? run : waitOrReject(request, view),
});

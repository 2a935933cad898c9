/**
 * A policy of one's own: what an instance is warm for runs here, and new instances are started until
 * half of the memory is in use; then the cloud has its turn, if its answer can be in time.
 *
 *     serverledge policy run examples/policies/my_policy.ts examples/policies/situations.json
 *     serverledge start --set scheduler.policy=examples/policies/my_policy.ts
 *
 * `import type` leaves nothing behind: the file needs nothing but the binary to run.
 */

import type { Policy, PolicyContext } from "../../lib/policy/contract.ts";

export default function makePolicy({ settings }: PolicyContext): Policy {
  // `policy.half: 0.7` in the configuration, or --set policy.half=0.7
  const half = Number(settings.half ?? 0.5);

  return {
    name: "mine",
    decide(request, view) {
      const cloud = request.canOffload ? view.cloud : undefined;
      if (!view.supported) {
        return cloud
          ? { kind: "offload", to: cloud.id }
          : { kind: "reject", code: "NO_SUITABLE_NODE" };
      }
      if (view.warm) return { kind: "run" };

      const inUse = 1 - view.availableMemoryMib / view.totalMemoryMib;
      if (view.canStart && inUse < half) return { kind: "run" };

      // NaN where nothing was measured yet: a comparison with it is false.
      const cloudMs = (cloud?.rttMs ?? Infinity) + view.remote.executionMs;
      if (cloud && !(cloudMs > request.budgetMs)) return { kind: "offload", to: cloud.id };

      if (view.canStart) return { kind: "run" };
      return view.queueLength < view.queueCapacity
        ? { kind: "wait" }
        : { kind: "reject", code: "NODE_SATURATED" };
    },
  };
}

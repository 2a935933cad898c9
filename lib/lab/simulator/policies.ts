/**
 * Policies of simulated nodes: planning takes no simulated time, and all `probabilistic` ones share a
 * solver.
 *
 * @module
 */

import type {
  LinearProgram,
  LinearSolver,
} from "../../../policies/probabilistic/linear_program.ts";
import { Probabilistic } from "../../../policies/probabilistic/probabilistic.ts";
import { WorkerSolver } from "../../../policies/probabilistic/solver.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { Policy, PolicyContext } from "../../policy/contract.ts";
import { loadPolicy } from "../../policy/loader.ts";

/** Creates policies and holds what they share. */
export class SimPolicies implements Disposable {
  readonly #warn: (problem: string) => void;
  #solver: WorkerSolver | undefined;
  #solved: Promise<unknown> = Promise.resolve();
  readonly #planning = new Set<Promise<void>>();

  /**
   * Creates a factory that has created no policies.
   *
   * @param warn called once for each user's policy that throws or makes a decision that is not allowed,
   *   and once for each former field name that it uses
   */
  constructor(warn: (problem: string) => void) {
    this.#warn = warn;
  }

  /** Whether a policy is planning, while simulated time stands still. */
  get planning(): boolean {
    return this.#planning.size > 0;
  }

  /**
   * Creates a policy.
   *
   * @param value its name, or the path of its file
   * @param context clock, randomness and settings
   * @throws `CONFIG_INVALID` if there is no such policy, or a setting is invalid
   */
  async make(value: string, context: PolicyContext): Promise<Policy> {
    try {
      const policy = value === "probabilistic"
        ? new Probabilistic(context, this.#sharedSolver())
        : await loadPolicy(value, context, this.#warn);
      return this.#trackPlanning(policy);
    } catch (error) {
      throw withScenarioPath(error);
    }
  }

  /** Waits until no policy is planning. */
  async planned(): Promise<void> {
    while (this.#planning.size > 0) await Promise.all(this.#planning);
  }

  /** Stops the solver. */
  [Symbol.dispose](): void {
    this.#solver?.[Symbol.dispose]();
  }

  /** Wraps a policy so that its planning is tracked. */
  #trackPlanning(policy: Policy): Policy {
    const { plan } = policy;
    if (!plan) return policy;
    return {
      name: policy.name,
      decide: (request, view) => policy.decide(request, view),
      ...(policy.observe && { observe: (request, outcome) => policy.observe!(request, outcome) }),
      ...(policy.refused && { refused: (request, refusal) => policy.refused!(request, refusal) }),
      ...(policy.explain && { explain: () => policy.explain!() }),
      plan: (statistics) => {
        const planned = Promise.resolve(plan.call(policy, statistics));
        const tracked = planned.then(() => {}, () => {}).then(() => {
          this.#planning.delete(tracked);
        });
        this.#planning.add(tracked);
        return planned;
      },
      [Symbol.dispose]: () => policy[Symbol.dispose]?.(),
    };
  }

  #sharedSolver(): LinearSolver {
    return {
      solve: (program: LinearProgram) => {
        this.#solver ??= new WorkerSolver();
        const solver = this.#solver;
        const solved = this.#solved.then(() => solver.solve(program));
        this.#solved = solved.catch(() => {});
        return solved;
      },
      [Symbol.dispose]: () => {},
    };
  }
}

/** Replaces the configuration key of a policy's setting by its path in a scenario. */
function withScenarioPath(error: unknown): unknown {
  const path = error instanceof ServerledgeError ? error.details?.path : undefined;
  if (typeof path !== "string" || !path.startsWith("policy.")) return error;
  const { code, message } = error as ServerledgeError;
  const own = path.replace("policy.", "settings.");
  return new ServerledgeError(code, message.replace(path, own), {
    cause: error,
    details: { path: own },
  });
}

/**
 * Policies for simulated nodes: the ones a node has, but planning takes no simulated time, and all
 * `probabilistic` ones share one solver.
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

/** Makes policies, and keeps what they share. */
export class SimPolicies implements Disposable {
  readonly #warn: (problem: string) => void;
  #solver: WorkerSolver | undefined;
  #solved: Promise<unknown> = Promise.resolve();
  readonly #planning = new Set<Promise<void>>();

  /**
   * No policies yet.
   *
   * @param warn hears once of each user's policy that throws or decides what is not allowed
   */
  constructor(warn: (problem: string) => void) {
    this.#warn = warn;
  }

  /** True while a policy plans: simulated time must stand still. */
  get planning(): boolean {
    return this.#planning.size > 0;
  }

  /**
   * Makes a policy.
   *
   * @param value its name, or the path of its file
   * @param context what it is made with
   * @throws `INVALID_REQUEST` if there is none, or a setting is wrong
   */
  async make(value: string, context: PolicyContext): Promise<Policy> {
    try {
      const policy = value === "probabilistic"
        ? new Probabilistic(context, this.#sharedSolver())
        : await loadPolicy(value, context, this.#warn);
      return this.#paced(policy);
    } catch (error) {
      throw inScenario(error);
    }
  }

  /** Waits until no policy plans. */
  async planned(): Promise<void> {
    while (this.#planning.size > 0) await Promise.all(this.#planning);
  }

  /** Ends the solver. */
  [Symbol.dispose](): void {
    this.#solver?.[Symbol.dispose]();
  }

  /** The policy with plans that are waited for. */
  #paced(policy: Policy): Policy {
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

/** A policy calls its settings by their keys in a node's configuration; a scenario has others. */
function inScenario(error: unknown): unknown {
  const path = error instanceof ServerledgeError ? error.details?.path : undefined;
  if (typeof path !== "string" || !path.startsWith("policy.")) return error;
  const { code, message } = error as ServerledgeError;
  const own = path.replace("policy.", "settings.");
  return new ServerledgeError(code, message.replace(path, own), {
    cause: error,
    details: { path: own },
  });
}

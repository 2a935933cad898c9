/**
 * The policy that `scheduler.policy` means: one of the program's own, or one from a user's file.
 *
 * @module
 */

import { policies } from "../../policies/mod.ts";
import { defaultPolicy } from "../../policies/default.ts";
import { ServerledgeError } from "../base/errors.ts";
import { isPolicyPath } from "../model/policy_names.ts";
import type { SyntaxProblem } from "../base/strip_types.ts";
import type { Decision, NodeView, Policy, PolicyContext, RequestFacts } from "./contract.ts";

/**
 * Makes a policy.
 *
 * @param value name, or path of a `.js`, `.mjs` or `.ts` file whose default export makes the policy
 * @param context what it is made with
 * @param warn hears once of a user's policy that throws or decides what is not allowed
 * @throws `CONFIG_INVALID` if there is none, or it is none, in one line
 */
export async function loadPolicy(
  value: string,
  context: PolicyContext,
  warn: (problem: string) => void,
): Promise<Policy> {
  if (!isPolicyPath(value)) {
    const factory = Object.hasOwn(policies, value) ? policies[value] : undefined;
    if (factory) return factory(context);
    throw refusal(`There is no policy "${value}": ${Object.keys(policies).join(", ")}, or a file`);
  }
  const factory = (await importFile(value)).default;
  if (typeof factory !== "function") {
    throw refusal(`Policy ${value}: the file must "export default" a function that makes a policy`);
  }
  const made = make(value, factory as (context: PolicyContext) => unknown, context);
  return guard(checkShape(made, value), context, (problem) => warn(`Policy ${value}: ${problem}`));
}

async function importFile(path: string): Promise<Record<string, unknown>> {
  const source = await Deno.readTextFile(path).catch((error) => {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : (error as Error).message;
    throw refusal(`Cannot read the policy ${path}: ${reason}`, error);
  });
  try {
    return await import(path.endsWith(".ts") ? await dataUrl(source) : await fileUrl(path));
  } catch (error) {
    if (error instanceof ServerledgeError) throw error;
    throw refusal(`Cannot load the policy ${path}: ${describe(error)}`, error);
  }
}

/** A compiled program runs no TypeScript from outside, and imports no `blob:` modules. */
async function dataUrl(source: string): Promise<string> {
  const { stripTypes } = await import("../base/strip_types.ts");
  return `data:text/javascript,${encodeURIComponent(stripTypes(source))}`;
}

async function fileUrl(path: string): Promise<string> {
  const absolute = await Deno.realPath(path);
  return `file://${absolute.split("/").map(encodeURIComponent).join("/")}`;
}

function make(
  path: string,
  factory: (context: PolicyContext) => unknown,
  context: PolicyContext,
): unknown {
  try {
    return factory(context);
  } catch (error) {
    if (error instanceof ServerledgeError) throw error;
    throw refusal(`Policy ${path}: its maker throws ${describe(error)}`, error);
  }
}

function checkShape(made: unknown, path: string): Policy {
  const policy = made as Partial<Policy> | null | undefined;
  if (typeof policy?.decide !== "function") {
    throw refusal(`Policy ${path}: what its maker returns needs a function "decide"`);
  }
  for (const key of ["observe", "refused", "explain", "plan"] as const) {
    if (policy[key] === undefined || typeof policy[key] === "function") continue;
    throw refusal(`Policy ${path}: "${key}" must be a function, or be left out`);
  }
  if (typeof policy.name !== "string") {
    throw refusal(`Policy ${path}: what its maker returns needs a text "name"`);
  }
  return policy as Policy;
}

/** A user's policy whose faults cost a warning and a decision of the default policy, not the node. */
function guard(policy: Policy, context: PolicyContext, report: (problem: string) => void): Policy {
  const substitute = defaultPolicy(context);
  let reported = false;
  const fault = (problem: string) => {
    if (!reported) report(`${problem}; the default policy decides instead`);
    reported = true;
  };
  return {
    name: policy.name,
    decide(request, view) {
      try {
        const seen = remembered(view);
        const decision = policy.decide(request, seen);
        if (isAllowed(decision, request, seen)) return decision;
        fault(`it decides ${JSON.stringify(decision)}, which is not allowed here`);
      } catch (error) {
        fault(`it throws ${describe(error)}`);
      }
      return substitute.decide(request, view);
    },
    ...(policy.observe && { observe: (request, outcome) => policy.observe!(request, outcome) }),
    ...(policy.refused && { refused: (request, refusal) => policy.refused!(request, refusal) }),
    ...(policy.explain && { explain: () => policy.explain!() }),
    ...(policy.plan && { plan: (statistics) => policy.plan!(statistics) }),
    [Symbol.dispose]: () => policy[Symbol.dispose]?.(),
  };
}

/** A view that shows the same however often it is looked at: which cloud is offered is partly chance. */
function remembered(view: NodeView): NodeView {
  const seen = new Map<string | symbol, unknown>();
  return new Proxy(view, {
    get(target, key) {
      if (!seen.has(key)) seen.set(key, Reflect.get(target, key, target));
      return seen.get(key);
    },
  });
}

function isAllowed(decision: Decision, request: RequestFacts, view: NodeView): boolean {
  switch (decision?.kind) {
    case "run":
    case "wait":
      return view.supported;
    case "reject":
      return decision.code === "NODE_SATURATED" || decision.code === "NO_SUITABLE_NODE";
    case "offload": {
      const isTarget = ({ id }: { readonly id: string }) => id === decision.to;
      return request.canOffload &&
        (view.peers.some(isTarget) || (view.cloud !== undefined && isTarget(view.cloud)));
    }
    default:
      return false;
  }
}

/** An error in one line; a syntax problem is no error object but tells its line. */
function describe(error: unknown): string {
  if (error instanceof Error) return error.message.split("\n")[0]!;
  const { message, startLine } = Object(error) as Partial<SyntaxProblem>;
  return message === undefined ? String(error) : `line ${startLine}: ${message}`;
}

function refusal(message: string, cause?: unknown): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", message, { cause });
}

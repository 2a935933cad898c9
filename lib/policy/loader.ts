/**
 * Loader of the policy that `scheduler.policy` names: a built-in one, or one from a user's file.
 *
 * @module
 */

import { policies } from "../../policies/mod.ts";
import { defaultPolicy } from "../../policies/default.ts";
import { ServerledgeError } from "../base/errors.ts";
import { fileProblem } from "../base/text_file.ts";
import { isPolicyPath } from "../model/policy_names.ts";
import type { SyntaxProblem } from "../base/strip_types.ts";
import type { Decision, NodeView, Policy, PolicyContext, RequestFacts } from "./contract.ts";

/** Former names of fields of outcomes and refusals, which policies in files may still use. */
const formerNames = { wayMs: "networkMs", awayMs: "remoteTotalMs" } as const;

/**
 * Creates a policy.
 *
 * @param value name, or path of a `.js`, `.mjs` or `.ts` file whose default export creates the policy
 * @param context clock, randomness and settings
 * @param warn called once if a user's policy throws or makes a decision that is not allowed, and once
 *   for each former field name that it uses
 * @throws `CONFIG_INVALID` if there is no such policy, or the file is not a policy
 */
export async function loadPolicy(
  value: string,
  context: PolicyContext,
  warn: (problem: string) => void,
): Promise<Policy> {
  if (!isPolicyPath(value)) {
    const factory = Object.hasOwn(policies, value) ? policies[value] : undefined;
    if (factory) return factory(context);
    throw refusal(
      `There is no policy "${value}": use ${
        Object.keys(policies).join(", ")
      }, or the path of a file`,
    );
  }
  const factory = (await importFile(value)).default;
  if (typeof factory !== "function") {
    throw refusal(
      `Policy ${value}: the file must "export default" a function that creates a policy`,
    );
  }
  const created = create(value, factory as (context: PolicyContext) => unknown, context);
  const report = (problem: string) => warn(`Policy ${value}: ${problem}`);
  return guard(checkShape(created, value), context, report);
}

async function importFile(path: string): Promise<Record<string, unknown>> {
  const source = await Deno.readTextFile(path).catch((error) => {
    throw refusal(`Cannot read the policy ${path}: ${fileProblem(error)}`, error);
  });
  try {
    return await import(path.endsWith(".ts") ? await dataUrl(source) : await fileUrl(path));
  } catch (error) {
    if (error instanceof ServerledgeError) throw error;
    throw refusal(`Cannot load the policy ${path}: ${describe(error)}`, error);
  }
}

/** Strips the types: a compiled program runs no TypeScript from files and imports no `blob:` modules. */
async function dataUrl(source: string): Promise<string> {
  const { stripTypes } = await import("../base/strip_types.ts");
  return `data:text/javascript,${encodeURIComponent(stripTypes(source))}`;
}

async function fileUrl(path: string): Promise<string> {
  const absolute = await Deno.realPath(path);
  return `file://${absolute.split("/").map(encodeURIComponent).join("/")}`;
}

function create(
  path: string,
  factory: (context: PolicyContext) => unknown,
  context: PolicyContext,
): unknown {
  try {
    return factory(context);
  } catch (error) {
    if (error instanceof ServerledgeError) throw error;
    throw refusal(`Policy ${path}: its factory throws ${describe(error)}`, error);
  }
}

function checkShape(created: unknown, path: string): Policy {
  const policy = created as Partial<Policy> | null | undefined;
  if (typeof policy?.decide !== "function") {
    throw refusal(`Policy ${path}: the object returned by its factory needs a function "decide"`);
  }
  for (const key of ["observe", "refused", "explain", "plan"] as const) {
    if (policy[key] === undefined || typeof policy[key] === "function") continue;
    throw refusal(`Policy ${path}: "${key}" must be a function or undefined`);
  }
  if (typeof policy.name !== "string") {
    throw refusal(`Policy ${path}: the object returned by its factory needs a string "name"`);
  }
  return policy as Policy;
}

/** Wraps a user's policy: if it fails, the default policy decides and a warning is logged once. */
function guard(policy: Policy, context: PolicyContext, report: (problem: string) => void): Policy {
  const substitute = defaultPolicy(context);
  const reported = new Set<string>();
  const reportOnce = (kind: string, problem: string) => {
    if (!reported.has(kind)) report(problem);
    reported.add(kind);
  };
  const fault = (problem: string) =>
    reportOnce("fault", `${problem}; the default policy decides instead`);
  const aliases = formerFields((former, current) =>
    reportOnce(former, `"${former}" is now called "${current}"`)
  );
  const withFormerNames = <T extends object>(facts: T): T =>
    Object.assign(Object.create(aliases), facts);
  return {
    name: policy.name,
    decide(request, view) {
      try {
        const seen = memoize(view);
        const decision = policy.decide(request, seen);
        if (isAllowed(decision, request, seen)) return decision;
        fault(`its decision ${JSON.stringify(decision)} is not allowed here`);
      } catch (error) {
        fault(`it throws ${describe(error)}`);
      }
      return substitute.decide(request, view);
    },
    ...(policy.observe && {
      observe: (request, outcome) => policy.observe!(request, withFormerNames(outcome)),
    }),
    ...(policy.refused && {
      refused: (request, refusal) => policy.refused!(request, withFormerNames(refusal)),
    }),
    ...(policy.explain && { explain: () => policy.explain!() }),
    ...(policy.plan && { plan: (statistics) => policy.plan!(statistics) }),
    [Symbol.dispose]: () => policy[Symbol.dispose]?.(),
  };
}

/**
 * Creates a prototype with a getter for each former name of a field.
 *
 * @param onUse called at each use of a former name
 */
function formerFields(onUse: (former: string, current: string) => void): object {
  const prototype = {};
  for (const [former, current] of Object.entries(formerNames)) {
    Object.defineProperty(prototype, former, {
      get(this: Readonly<Record<string, unknown>>) {
        if (current in this) onUse(former, current);
        return this[current];
      },
    });
  }
  return prototype;
}

/** Memoizes a view, since the cloud node that it offers is chosen partly at random. */
function memoize(view: NodeView): NodeView {
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

/** Describes an error in one line; syntax problems are plain objects with a line number. */
function describe(error: unknown): string {
  if (error instanceof Error) return error.message.split("\n")[0]!;
  const { message, startLine } = Object(error) as Partial<SyntaxProblem>;
  return message === undefined ? String(error) : `line ${startLine}: ${message}`;
}

function refusal(message: string, cause?: unknown): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", message, { cause });
}

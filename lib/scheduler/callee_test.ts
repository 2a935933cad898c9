import assert from "node:assert/strict";
import { fakeRecord } from "../../tests/support/fakes/fake_environment.ts";
import type { Hop, Origin } from "../model/hop.ts";
import { defaultRequest, type InvokeRequest } from "../model/invocation.ts";
import { noParams } from "../model/params.ts";
import { sendCallee } from "./callee.ts";
import type { Invocation } from "./invocation.ts";

const record = fakeRecord({ name: "f", invokes: ["g-*"] });

/** Sends a request of `f`, and returns what was submitted. */
function sent(
  { request = {}, hop, callers = [], locality = "any" as const, name = "g-1", budgetMs = 1500 }: {
    request?: Partial<InvokeRequest>;
    hop?: Hop;
    callers?: string[];
    locality?: "any" | "area";
    name?: string;
    budgetMs?: number;
  },
) {
  const caller = {
    record: { ...record, locality },
    request: { ...defaultRequest, ...request },
    hop,
    callers,
  };
  let submitted: { name: string; request: InvokeRequest; origin: Origin } | undefined;
  sendCallee({ caller, budgetMs, area: "ROME" }, { name, params: noParams }, (...args) => {
    const [name, request, origin] = args;
    submitted = { name, request, origin };
    return { done: Promise.resolve({ report: { result: "1" } }) } as unknown as Invocation;
  });
  return submitted!;
}

Deno.test("sendCallee: the request has the caller's deadline, class and offloading", () => {
  const { name, request, origin } = sent({
    request: { qosClass: 2, canOffload: false, maxResponseS: 30 },
    callers: ["e"],
  });
  assert.equal(name, "g-1");
  assert.deepEqual(request, {
    ...defaultRequest,
    qosClass: 2,
    canOffload: false,
    maxResponseS: 1.5,
  });
  assert.deepEqual(origin.callers, ["e", "f"]);
  assert.equal(origin.hop, undefined);
});

Deno.test("sendCallee: a caller without time left gives none", () => {
  assert.equal(sent({ budgetMs: -5 }).request.maxResponseS, 0.001);
});

Deno.test("sendCallee: data stays where function and request of the caller allow it", () => {
  assert.equal(sent({ request: { locality: "node" } }).request.locality, "node");
  assert.deepEqual(sent({ locality: "area" }).request.locality, ["ROME"]);
  const hop = { id: "f-1", hopsLeft: 0, visited: ["a"], budgetMs: 1, originArea: "MILAN" };
  assert.deepEqual(sent({ locality: "area", hop }).request.locality, ["MILAN"]);
});

Deno.test("sendCallee: refuses functions that no pattern names, and a chain that is too long", () => {
  assert.throws(() => sent({ name: "h" }), { code: "FORBIDDEN" });
  assert.throws(() => sent({ callers: Array(8).fill("f") }), { code: "UNPROCESSABLE" });
  assert.equal(sent({ callers: Array(7).fill("f") }).origin.callers!.length, 8);
});

import assert from "node:assert/strict";
import type { Hop } from "../../model/hop.ts";
import { hopHeaders, readHop } from "./hop_headers.ts";

const hop: Hop = {
  id: "f-1",
  hopsLeft: 1,
  visited: ["a", "b"],
  budgetMs: 1500,
  originArea: "ROME",
};

Deno.test("readHop: reads what hopHeaders writes, signed or not", () => {
  for (const secret of ["", "s3cret"]) {
    assert.deepEqual(readHop(new Headers(hopHeaders(hop, secret)), secret), hop);
  }
});

Deno.test("readHop: a client's request has no hop", () => {
  assert.equal(readHop(new Headers(), "s3cret"), undefined);
});

Deno.test("readHop: rejects a missing or wrong signature", () => {
  const code = { code: "UNAUTHORIZED" };
  assert.throws(() => readHop(new Headers(hopHeaders(hop, "")), "s3cret"), code);
  assert.throws(() => readHop(new Headers(hopHeaders(hop, "other")), "s3cret"), code);
  const raised = { ...hopHeaders(hop, "s3cret"), "serverledge-hops-left": "9" };
  assert.throws(() => readHop(new Headers(raised), "s3cret"), code);
});

Deno.test("readHop: rejects invalid values and names the header", () => {
  const bad: [string, string][] = [
    ["serverledge-hops-left", "99"],
    ["serverledge-hops-left", "-1"],
    ["serverledge-budget-ms", "soon"],
    ["serverledge-budget-ms", "Infinity"],
    ["serverledge-visited", "a b"],
    ["serverledge-origin-area", ""],
  ];
  for (const [name, value] of bad) {
    const headers = new Headers({ ...hopHeaders(hop, ""), [name]: value });
    assert.throws(() => readHop(headers, ""), { code: "INVALID_REQUEST", details: { path: name } });
  }
});

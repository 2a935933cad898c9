import assert from "node:assert/strict";
import { fakeServices } from "../../../tests/support/fakes/fake_services.ts";
import type { NodeStatus } from "../../model/status.ts";
import { readableStatus } from "./status.ts";

function shown(change: Partial<NodeStatus>): string {
  return readableStatus({ ...fakeServices().status(() => true), ...change }, { colour: false });
}

Deno.test("readableStatus: shows usable runtimes, and why others are not", () => {
  const runtimes = [
    { runtime: "python", ok: false },
    { runtime: "deno", ok: true },
    { runtime: "wasm", ok: true },
  ];
  const problem = "Docker does not answer: install it";
  const text = shown({ runtimes, engine: { ok: false, problem } });
  assert.match(text, /^runtimes +deno, wasm; not now: python$/m);
  assert.match(text, /^containers +Docker does not answer: install it$/m);
});

Deno.test("readableStatus: without problems, says only that", () => {
  const text = shown({});
  assert.match(text, /^runtimes +python$/m);
  assert.match(text, /^containers +ok$/m);
});

Deno.test("readableStatus: shows each problem once, in its row or in one of its own", () => {
  const text = shown({
    problems: ["registry: away", "tls: the certificate expires", "f: not enough memory"],
    registry: { kind: "etcd", ok: false, problem: "away" },
  });
  assert.match(text, /^problem +tls: the certificate expires$/m);
  assert.match(text, /^problem +f: not enough memory$/m);
  assert.equal(text.match(/away/g)?.length, 1);
});

import assert from "node:assert/strict";
import type { Hop } from "../../model/hop.ts";
import { HeaderList } from "../../http/server/messages.ts";
import { hopHeaders, isFromPeer, readHop } from "./hop_headers.ts";

const hop: Hop = {
  id: "f-1",
  hopsLeft: 1,
  visited: ["a", "b"],
  budgetMs: 1500,
  originArea: "ROME",
  callers: ["f", "g"],
};

const written = () => new Headers(hopHeaders(hop).map(([...pair]) => pair));

Deno.test("readHop: reads what hopHeaders writes", () => {
  assert.deepEqual(readHop(written()), hop);
});

Deno.test("readHop: without callers, a client has sent the request", () => {
  const { callers: _, ...direct } = hop;
  assert.deepEqual(readHop(new Headers(hopHeaders(direct).map(([...pair]) => pair))), {
    ...direct,
    callers: [],
  });
});

Deno.test("readHop: a client's request has no hop", () => {
  assert.equal(readHop(new Headers()), undefined);
});

Deno.test("readHop: rejects invalid values and names the header", () => {
  const bad: [string, string][] = [
    ["serverledge-hops-left", "99"],
    ["serverledge-hops-left", "-1"],
    ["serverledge-budget-ms", "soon"],
    ["serverledge-budget-ms", "Infinity"],
    ["serverledge-visited", "a b"],
    ["serverledge-origin-area", ""],
    ["serverledge-callers", "f g"],
    ["serverledge-callers", "f,f,f,f,f,f,f,f,f"],
  ];
  for (const [name, value] of bad) {
    const headers = written();
    headers.set(name, value);
    assert.throws(() => readHop(headers), { code: "INVALID_REQUEST", details: { path: name } });
  }
});

Deno.test("isFromPeer: recognizes every header that clients do not send", () => {
  const from = (...names: string[]) =>
    isFromPeer({ headers: new HeaderList(names.map((name) => [name, "x"])) });
  for (const name of ["request-id", "visited", "signature", "digest", "balancer", "balancers"]) {
    assert(from("host", `serverledge-${name}`), name);
  }
  assert(!from("host", "serverledge-mab-request-id", "content-type"));
});

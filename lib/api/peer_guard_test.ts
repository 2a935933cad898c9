import assert from "node:assert/strict";
import { systemClock } from "../base/clock.ts";
import { hopHeaders } from "../cluster/peers/hop_headers.ts";
import { type ClusterAuth, clusterAuth } from "../cluster/trust/cluster_auth.ts";
import type { HeaderPair } from "../http/head.ts";
import type { HttpRequest } from "../http/request.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { incomingRequest } from "../http/server/web.ts";
import { peerGuard } from "./peer_guard.ts";

const receiver = { id: "b", process: "b1" };
const of = (id: string) => clusterAuth("s3cret", { id, process: `${id}1` }, systemClock)!;
const hop = hopHeaders({ id: "f-1", hopsLeft: 0, visited: ["a"], budgetMs: 9, originArea: "EDGE" });

/** A guarded handler, and what reached it. */
function guarded({ verifier }: Partial<ClusterAuth> = of("b")) {
  const seen: IncomingRequest[] = [];
  const handle = peerGuard((request) => {
    seen.push(request);
    return { status: 200, headers: [], body: "yes" };
  }, verifier);
  const send = async ({ method, path, headers }: HttpRequest) => {
    const init = { method, headers: headers.map(([...pair]) => pair) };
    return await handle(incomingRequest(new Request(`http://localhost${path}`, init)));
  };
  return { seen, send };
}

const request = (...headers: HeaderPair[]): HttpRequest => ({
  method: "GET",
  path: "/invoke/f",
  headers,
  body: undefined,
});

Deno.test("peerGuard: rejects headers of nodes and balancers without a signature", async () => {
  const { seen, send } = guarded();
  for (const headers of [hop, [["serverledge-balancer", "lb"]] as HeaderPair[]]) {
    const { status, body } = await send(request(...headers));
    assert.deepEqual([status, JSON.parse(body as string).code], [401, "UNAUTHORIZED"]);
  }
  assert.equal(seen.length, 0);
});

Deno.test("peerGuard: lets requests of clients pass, without a secret all", async () => {
  const { seen, send } = guarded();
  assert.equal((await send(request(["x-mine", "1"]))).status, 200);
  assert.deepEqual([seen.length, seen[0]!.peer], [1, undefined]);
  const open = guarded({});
  assert.equal((await open.send(request(...hop))).status, 200);
});

Deno.test("peerGuard: says who has signed a request, and for whom; signs the response", async () => {
  const { seen, send } = guarded();
  const { signer } = of("a");
  const forwarding: HeaderPair = ["serverledge-balancer", "a"];
  for (
    const [headers, forClient] of [
      [hop, false],
      [[], false],
      [[forwarding], true],
      [[...hop, forwarding], false],
    ] as const
  ) {
    const signed = await signer.sign(request(...headers), receiver);
    const { status, headers: got, body } = await send(signed.request);
    const bytes = new TextEncoder().encode(body as string);
    assert.equal((await signed.verified({ status, headers: got, body: bytes })).status, 200);
    assert.deepEqual(seen.at(-1)!.peer, { id: "a", forClient });
  }
});

Deno.test("peerGuard: rejects a forwarded request whose signature does not cover its body", async () => {
  const { seen, send } = guarded();
  const stream = new ReadableStream<Uint8Array>();
  const signed = await of("a").signer.sign({ ...request(...hop), body: stream }, receiver);
  assert.equal((await send(signed.request)).status, 401);
  assert.equal(seen.length, 0);
});

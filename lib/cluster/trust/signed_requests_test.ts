import assert from "node:assert/strict";
import { type Clock, ManualClock } from "../../base/clock.ts";
import type { HttpResponse } from "../../http/client.ts";
import type { HeaderPair } from "../../http/head.ts";
import type { HttpRequest } from "../../http/request.ts";
import {
  HeaderList,
  type IncomingRequest,
  type OutgoingResponse,
} from "../../http/server/messages.ts";
import { incomingRequest } from "../../http/server/web.ts";
import { type ClusterAuth, clusterAuth } from "./cluster_auth.ts";
import { UnsignedResponse } from "./request_signer.ts";
import type { SignedExchange } from "./request_verifier.ts";
import { digestHeader, signatureHeader, uptimeHeader } from "./signed_headers.ts";

const unauthorized = { code: "UNAUTHORIZED" };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const receiver = { id: "b", process: "b1" };

/** A sending and a receiving node, and a clock that both use; the sender's wall clock is ahead. */
function setUp(secret = "s3cret", ahead = 0) {
  const clock = new ManualClock();
  clock.advance(1_000_000);
  const skew = { ahead };
  const skewed: Clock = {
    now: () => clock.now(),
    wall: () => clock.wall() + skew.ahead,
    after: (ms, action) => clock.after(ms, action),
  };
  const start = (process: string, of = secret): ClusterAuth =>
    clusterAuth(of, { id: "b", process }, clock)!;
  const { signer } = clusterAuth(secret, { id: "a", process: "a1" }, skewed)!;
  return { clock, skew, signer, start, verifier: start("b1").verifier };
}

const request: HttpRequest = {
  method: "POST",
  path: "/fn/hello?x=1",
  headers: [["host", "b:1323"], ["content-type", "text/plain"], ["x-role", "reader"]],
  body: encoder.encode("hello"),
};

/** The request as the receiver gets it. */
function arrived(sent: HttpRequest, change: Partial<IncomingRequest> = {}): IncomingRequest {
  const { method, path, headers, body } = sent;
  const web = new Request("http://b/", { method: "POST", body: body as Uint8Array<ArrayBuffer> });
  return {
    ...incomingRequest(web),
    method,
    target: path,
    headers: new HeaderList(headers),
    ...change,
  };
}

function changed(sent: HttpRequest, name: string, value: string): HttpRequest {
  const headers = sent.headers.map((pair): HeaderPair => pair[0] === name ? [name, value] : pair);
  return { ...sent, headers };
}

async function read({ request: { body } }: SignedExchange): Promise<string> {
  return decoder.decode(await body.whole(1 << 20));
}

/** The response to a request that was refused. */
async function refusalOf(exchange: SignedExchange): Promise<HttpResponse> {
  assert(exchange.refusal);
  return received(await exchange.sign({ status: 401, headers: [], body: "" }));
}

/** A response as the sender gets it. */
function received({ status, headers, body }: OutgoingResponse): HttpResponse {
  const bytes = typeof body === "string" ? encoder.encode(body) : body as Uint8Array<ArrayBuffer>;
  return { status, headers, body: bytes ?? new Uint8Array() };
}

Deno.test("RequestVerifier: accepts a signed request once", async () => {
  const { signer, verifier } = setUp();
  const { request: sent } = await signer.sign(request, receiver);
  const exchange = verifier.open(arrived(sent));
  assert.deepEqual([exchange.sender, exchange.refusal], ["a", undefined]);
  assert.equal(await read(exchange), "hello");
  assert.throws(() => verifier.open(arrived(sent)), {
    ...unauthorized,
    message: /already received/,
  });
  const again = await signer.sign(request, receiver);
  assert.equal(await read(verifier.open(arrived(again.request))), "hello");
});

Deno.test("RequestVerifier: rejects another method, path, query, header, sender or receiver", async () => {
  const { signer, verifier } = setUp();
  const { request: sent } = await signer.sign(request, receiver);
  const header = sent.headers.find(([name]) => name === signatureHeader)![1];
  const words = header.split(" ");
  const forged = (at: number, word: string) =>
    arrived(changed(sent, signatureHeader, words.with(at, word).join(" ")));
  const cases: Record<string, IncomingRequest> = {
    method: arrived(sent, { method: "PUT" }),
    path: arrived(sent, { target: "/fn/other?x=1" }),
    query: arrived(sent, { target: "/fn/hello?x=2" }),
    "changed header": arrived(changed(sent, "x-role", "admin")),
    "added header": arrived({ ...sent, headers: [...sent.headers, ["cookie", "a=1"]] }),
    "removed header": arrived({
      ...sent,
      headers: sent.headers.filter(([name]) => name !== "x-role"),
    }),
    digest: arrived(changed(sent, digestHeader, "0".repeat(64))),
    sender: forged(1, "c"),
    "sender's process": forged(2, "a2"),
    "receiver's process": forged(4, "b2"),
    number: forged(5, "7"),
    time: forged(6, "1000001"),
    signature: forged(7, "0".repeat(64)),
    "other secret": arrived(
      (await setUp("other").signer.sign(request, receiver)).request,
    ),
  };
  for (const [what, incoming] of Object.entries(cases)) {
    assert.throws(() => verifier.open(incoming), { ...unauthorized, message: /not signed/ }, what);
  }
  assert.equal(await read(verifier.open(arrived(sent))), "hello", "the original is still good");
});

Deno.test("RequestVerifier: ignores what belongs to the connection", async () => {
  const { signer, verifier } = setUp();
  const { request: sent } = await signer.sign(request, receiver);
  const headers = [...changed(sent, "host", "proxy:80").headers];
  headers.unshift(["connection", "close"], ["via", "1.1 proxy"], ["content-length", "5"]);
  assert.equal(await read(verifier.open(arrived({ ...sent, headers }))), "hello");
});

Deno.test("RequestVerifier: another body fails while it is read", async () => {
  const { signer, verifier } = setUp();
  const other = async (body: Uint8Array<ArrayBuffer>) =>
    verifier.open(arrived({ ...(await signer.sign(request, receiver)).request, body }));
  for (const text of ["hellO", "hello!", ""]) {
    const exchange = await other(encoder.encode(text));
    await assert.rejects(exchange.request.body.whole(100), unauthorized, text);
  }
  const streamed = (await other(encoder.encode("hellO"))).request.body;
  await assert.rejects(async () => {
    while (await streamed.part());
  }, unauthorized);
});

Deno.test("RequestVerifier: rejects a request for another node, or in another format", async () => {
  const { signer, verifier } = setUp();
  const { request: sent } = await signer.sign(request, { id: "c", process: "c1" });
  assert.throws(() => verifier.open(arrived(sent)), {
    ...unauthorized,
    message: /signed for node c, but this is node b/,
  });
  assert.throws(() => verifier.open(arrived(request)), { message: /is not signed/ });
  const of = (value: string) => arrived({ ...request, headers: [[signatureHeader, value]] });
  assert.throws(() => verifier.open(of("ab".repeat(32))), { message: /former version/ });
  for (const value of ["", "2", "2 a a1 b b1 0 0 zz", "3 a a1 b b1 0 0 " + "0".repeat(64)]) {
    assert.throws(() => verifier.open(of(value)), { message: /no valid signature/ }, value);
  }
});

Deno.test("RequestVerifier: refuses a request signed before a restart, and names its process", async () => {
  const { clock, signer, start } = setUp();
  const { verifier } = start("b2");
  clock.advance(1);
  const signed = await signer.sign(request, receiver);
  const exchange = verifier.open(arrived(signed.request));
  assert.equal(exchange.refusal?.code, "UNAUTHORIZED");
  const response = await signed.verified(await refusalOf(exchange));
  assert.deepEqual(signed.restart(response), { process: "b2", mayHaveRun: false });
});

Deno.test("RequestSigner: a request that a former process may have received may have run", async () => {
  const { clock, skew, signer, start, verifier } = setUp();
  const signed = await signer.sign(request, receiver);
  assert.equal(verifier.open(arrived(signed.request)).refusal, undefined, "it is carried out");
  clock.advance(10_000);
  const next = start("b2").verifier;
  clock.advance(10_000);
  const held = await signed.verified(await refusalOf(next.open(arrived(signed.request))));
  assert.deepEqual(signed.restart(held), { process: "b2", mayHaveRun: true });

  const later = await signer.sign(request, receiver);
  skew.ahead += 3_600_000;
  const refusal = await refusalOf(next.open(arrived(later.request)));
  assert.equal(later.restart(refusal)?.mayHaveRun, true, "the sender's machine was suspended");
  const { headers } = refusal;
  const without = { ...refusal, headers: headers.filter(([name]) => name !== uptimeHeader) };
  assert.equal(signed.restart(without)?.mayHaveRun, true, "a node of a former version");
});

Deno.test("RequestVerifier: refuses a request of another time, in words, and not as a repetition", async () => {
  for (
    const [ahead, problem] of [[31_000, /of node a is 31 s ahead of that/], [
      -31_000,
      /31 s behind that/,
    ]] as const
  ) {
    const { signer, verifier } = setUp("s3cret", ahead);
    const { request: sent } = await signer.sign(request, receiver);
    assert.match(verifier.open(arrived(sent)).refusal!.message, problem);
    assert.throws(() => verifier.open(arrived(sent)), { message: /already received/ });
  }
  const { signer, verifier } = setUp("s3cret", -29_000);
  const { request: sent } = await signer.sign(request, receiver);
  assert.equal(verifier.open(arrived(sent)).refusal, undefined);
});

Deno.test("RequestVerifier: rejects a captured request after its time, also if the clock is set back", async () => {
  const { clock, signer, verifier } = setUp();
  const { request: first } = await signer.sign(request, receiver);
  verifier.open(arrived(first));
  clock.advance(120_000);
  const { request: second } = await signer.sign(request, { ...receiver });
  verifier.open(arrived(second));
  for (const sent of [first, second]) {
    assert.throws(() => verifier.open(arrived(sent)), { message: /already received/ });
  }
});

Deno.test("RequestSigner: accepts only the signed response to its request", async () => {
  const { signer, verifier, start } = setUp();
  const signed = await signer.sign(request, receiver);
  const other = await signer.sign(request, receiver);
  const answer: OutgoingResponse = { status: 200, headers: [["x-a", "1"]], body: "yes" };
  const response = received(await verifier.open(arrived(signed.request)).sign(answer));
  const good = await signed.verified(response);
  assert.equal(decoder.decode(good.body as Uint8Array), "yes");
  const foreign = start("b1", "other").verifier;
  const cases: Record<string, HttpResponse> = {
    unsigned: received(answer),
    status: { ...response, status: 201 },
    body: { ...response, body: encoder.encode("no!") },
    header: { ...response, headers: response.headers.map(([n, v]) => [n, n === "x-a" ? "2" : v]) },
  };
  for (const [what, forged] of Object.entries(cases)) {
    await assert.rejects(signed.verified(forged), UnsignedResponse, what);
  }
  await assert.rejects(other.verified(response), UnsignedResponse, "response to another request");
  assert.throws(() => foreign.open(arrived(other.request)), unauthorized);
});

Deno.test("RequestSigner: a streamed response with a digest fails at its end if it was changed", async () => {
  const { signer, verifier } = setUp();
  const streamed = async (sent: string, got: string) => {
    const signed = await signer.sign(request, receiver);
    const answer = { status: 200, headers: [], body: encoder.encode(sent) };
    const response = received(await verifier.open(arrived(signed.request)).sign(answer));
    const body = new Blob([got]).stream();
    return new Response((await signed.verified({ ...response, body })).body);
  };
  assert.equal(await (await streamed("yes", "yes")).text(), "yes");
  await assert.rejects((await streamed("yes", "no")).text());
});

Deno.test("RequestSigner: keeps the digest of a body that a balancer passes on", async () => {
  const { signer, verifier } = setUp();
  const { request: sent } = await signer.sign(request, receiver);
  const digest = sent.headers.find(([name]) => name === digestHeader)!;
  const stream = new Blob(["hello"]).stream();
  const passed = { ...request, headers: [...request.headers, digest], body: stream };
  const { request: again } = await signer.sign(passed, receiver);
  assert.equal(again.headers.filter(([name]) => name === digestHeader).length, 1);
  const exchange = verifier.open(arrived({ ...again, body: encoder.encode("hello") }));
  assert.equal(await read(exchange), "hello");
});

Deno.test("clusterAuth: a cluster without a secret has none", () => {
  assert.equal(clusterAuth("", receiver, new ManualClock()), undefined);
});

import assert from "node:assert/strict";
import { fakeServices } from "../../tests/support/fakes/fake_services.ts";
import { createApp } from "./app.ts";
import { ServerledgeError } from "../base/errors.ts";
import { HeaderList } from "../http/server/messages.ts";
import { isLoopback, originCheck } from "./origin.ts";

/** Returns the status of a request with the headers that a browser would send. */
async function status(
  route: string,
  headers: Record<string, string>,
  listen = "127.0.0.1",
): Promise<number> {
  const [method = "", path = ""] = route.split(" ");
  const app = createApp(fakeServices({}, { "api.listen": listen }));
  const answer = await app.request(path, { method, headers });
  await answer.body?.cancel();
  return answer.status;
}

const host = "127.0.0.1:1323";

Deno.test("originCheck: rejects changes by pages of other origins", async () => {
  for (const origin of ["http://evil.example", "http://127.0.0.1:8080", "null", "nonsense"]) {
    assert.equal(await status("POST /invoke/hello", { host, origin }), 403, origin);
    assert.equal(await status("POST /create", { host, origin }), 403, origin);
    assert.equal(await status("POST /prewarm", { host, origin }), 403, origin);
  }
  assert.equal(await status("POST /invoke/hello", { origin: "http://evil.example" }), 403);
});

Deno.test("originCheck: accepts changes by programs and pages of the node", async () => {
  assert.equal(await status("POST /invoke/hello", { host }), 200);
  assert.equal(await status("POST /invoke/hello", { host, origin: `http://${host}` }), 200);
  const name = { host: "LocalHost:80", origin: "http://localhost" };
  assert.equal(await status("POST /invoke/hello", name), 200);
});

Deno.test("originCheck: node on loopback, rejects host names that a page could own", async () => {
  for (const rebound of ["evil.example:1323", "localhost.evil.example", "127.0.0.1.evil.example"]) {
    const headers = { host: rebound, origin: `http://${rebound}` };
    assert.equal(await status("POST /invoke/hello", headers), 403, rebound);
    assert.equal(await status("GET /logs/hello", { host: rebound }), 403, rebound);
    assert.equal(await status("GET /status", { host: rebound }, "localhost"), 403, rebound);
  }
  for (const good of ["localhost", "node.localhost:1323", "[::1]:1323", "10.0.0.7", "localhost."]) {
    assert.equal(await status("GET /status", { host: good }), 200, good);
  }
});

Deno.test("originCheck: node open to the network, accepts any host name", async () => {
  assert.equal(await status("GET /status", { host: "edge1.lan:1323" }, "0.0.0.0"), 200);
  const page = { host: "edge1.lan:1323", origin: "http://evil.example" };
  assert.equal(await status("POST /invoke/hello", page, "0.0.0.0"), 403);
});

Deno.test("originCheck: node with TLS, rejects pages without", () => {
  const check = originCheck("0.0.0.0");
  const from = (origin: string, host: string) => () =>
    check({
      method: "POST",
      headers: new HeaderList([["host", host], ["origin", origin]]),
      isSecure: true,
    });
  from("https://edge1.lan", "edge1.lan:443")();
  from("https://edge1.lan:1323", "edge1.lan:1323")();
  assert.throws(from("http://edge1.lan", "edge1.lan"), ServerledgeError);
});

Deno.test("originCheck: functions over HTTP, are open to all pages", async () => {
  const page = { host: "shop.example", origin: "http://evil.example" };
  assert.equal(await status("POST /fn/hello", page), 200);
});

Deno.test("isLoopback: recognizes loopback addresses", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) {
    assert.ok(isLoopback(address));
  }
  for (const address of ["0.0.0.0", "::", "10.0.0.1", "127.evil"]) assert.ok(!isLoopback(address));
});

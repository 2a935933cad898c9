import assert from "node:assert/strict";
import { BadMessage, TlsFailed } from "../../http/failures.ts";
import { unreachable } from "./unreachable.ts";

const cause = new TypeError("error sending request");

Deno.test("unreachable: distinguishes a name that cannot be resolved from a stopped node", async () => {
  const endpoint = { host: "nosuch.host", port: 21100, isSecure: false };
  const unknown = await unreachable(endpoint, cause, () => Promise.reject(new Error("ENOTFOUND")));
  assert.equal(unknown.code, "PEER_UNREACHABLE");
  assert.equal(unknown.cause, cause);
  assert.equal(
    unknown.message,
    "No response from nosuch.host:21100: the host name cannot be resolved; check --host",
  );
  const silent = await unreachable(endpoint, cause, () => Promise.resolve("10.0.0.7"));
  assert.equal(silent.code, "PEER_UNREACHABLE");
  assert.match(silent.message, /^No response from nosuch\.host:21100: no node listens there/);
});

Deno.test("unreachable: names the option for a node that it does not trust, or that serves HTTPS", async () => {
  const endpoint = { host: "edge-1", port: 1323, isSecure: true };
  const resolve = () => assert.fail("no name is resolved");
  const distrusted = await unreachable(endpoint, new TlsFailed("No TLS: reason"), resolve);
  assert.match(
    distrusted.message,
    /^No TLS: reason\. .*login https:\/\/edge-1:1323 --fingerprint.*tls fetch.*--ca FILE.* http:\/\/edge-1:1323$/,
  );
  const other = await unreachable(endpoint, new BadMessage("is not HTTP/1"), resolve);
  assert.match(other.message, /the response is not HTTP\/1.*--host https:\/\/edge-1:1323$/);
});

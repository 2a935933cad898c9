import assert from "node:assert/strict";
import { unreachable } from "./unreachable.ts";

const cause = new TypeError("error sending request");

Deno.test("unreachable: distinguishes a name that cannot be resolved from a stopped node", async () => {
  const endpoint = { host: "nosuch.host", port: 21100 };
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

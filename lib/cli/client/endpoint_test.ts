import assert from "node:assert/strict";
import { authority, resolveEndpoint } from "./endpoint.ts";

const none = () => Promise.resolve(undefined);
const configured = () => Promise.resolve(4000);
const noContexts = () => Promise.resolve({ contexts: {} });
const env = { SERVERLEDGE_HOST: "edge-1", SERVERLEDGE_PORT: "3000" };

Deno.test("resolveEndpoint: a flag overrides environment, configuration and default", async () => {
  assert.deepEqual(
    await resolveEndpoint({ host: "a.b", port: 2000 }, env, noContexts, configured),
    {
      host: "a.b",
      port: 2000,
      isSecure: false,
    },
  );
  assert.deepEqual(await resolveEndpoint({}, env, noContexts, configured), {
    host: "edge-1",
    port: 3000,
    isSecure: false,
  });
  assert.deepEqual(await resolveEndpoint({}, {}, noContexts, configured), {
    host: "127.0.0.1",
    port: 4000,
    isSecure: false,
  });
  assert.deepEqual(await resolveEndpoint({}, { SERVERLEDGE_HOST: "" }, noContexts, none), {
    host: "127.0.0.1",
    port: 1323,
    isSecure: false,
  });
});

Deno.test("resolveEndpoint: reads the configuration only if nothing else sets the port", async () => {
  await resolveEndpoint({ port: 1 }, {}, noContexts, () => assert.fail("read"));
  await resolveEndpoint({}, env, noContexts, () => assert.fail("read"));
});

Deno.test("resolveEndpoint: a URL sets the scheme and the port", async () => {
  for (
    const [url, port, expected] of [
      ["https://edge-1:8443", undefined, { host: "edge-1", port: 8443, isSecure: true }],
      ["https://edge-1/", undefined, { host: "edge-1", port: 443, isSecure: true }],
      ["http://[::1]", undefined, { host: "::1", port: 80, isSecure: false }],
      ["https://edge-1:8443", 9000, { host: "edge-1", port: 9000, isSecure: true }],
    ] as const
  ) {
    const flags = { host: url, ...(port !== undefined && { port }) };
    assert.deepEqual(await resolveEndpoint(flags, env, noContexts, configured), expected);
  }
});

Deno.test("resolveEndpoint: refuses an invalid host or port", async () => {
  for (const host of ["a/b", "http://a/b", "ftp://a", "a:80", "", "a b", "a@b"]) {
    await assert.rejects(
      resolveEndpoint({ host, port: 1 }, {}, noContexts, none),
      /host|URL/,
      host,
    );
  }
  for (const port of ["0", "65536", "tcp://10.0.0.1:1323", "-1", "x"]) {
    await assert.rejects(
      resolveEndpoint({}, { SERVERLEDGE_PORT: port }, noContexts, none),
      /1 to 65535/,
      port,
    );
  }
});

Deno.test("resolveEndpoint: a context gives address and key, unless another node is named", async () => {
  const contexts = () =>
    Promise.resolve({
      current: "edge",
      contexts: {
        edge: { url: "https://edge:1400", key: "sl_edge", ca: "/ca.pem" },
        lab: { url: "http://lab:80/" },
      },
    });
  const edge = { host: "edge", port: 1400, isSecure: true, key: "sl_edge", ca: "/ca.pem" };
  assert.deepEqual(await resolveEndpoint({}, {}, contexts, none), edge);
  const lab = { host: "lab", port: 80, isSecure: false };
  assert.deepEqual(await resolveEndpoint({ context: "lab" }, env, contexts, none), lab);
  assert.deepEqual(await resolveEndpoint({}, { SERVERLEDGE_KEY: "sl_env" }, contexts, none), {
    ...edge,
    key: "sl_env",
  });
  // The key of a context is sent to no other node.
  const other = await resolveEndpoint({ host: "other", port: 1 }, {}, contexts, none);
  assert.deepEqual(other, { host: "other", port: 1, isSecure: false });
  await assert.rejects(
    resolveEndpoint({ context: "lap" }, {}, contexts, none),
    /did you mean "lab"/,
  );
});

Deno.test("an IPv6 address gets its brackets", async () => {
  for (const host of ["::1", "[::1]"]) {
    const endpoint = await resolveEndpoint({ host, port: 80 }, {}, noContexts, none);
    assert.equal(authority(endpoint), "[::1]:80");
  }
});

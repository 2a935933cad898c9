import assert from "node:assert/strict";
import { get, post } from "../../support/client.ts";
import { startNodeProcess } from "../../support/node.ts";
import { compileWasm, wasmFunction } from "../../support/functions/wasm.ts";

const example = (name: string) =>
  compileWasm([
    "--target=wasm32-wasi",
    "-O2",
    new URL(`../../../examples/wasm/${name}.c`, import.meta.url).pathname,
  ]);

/** A picture whose pixels tell their place. */
function picture(width: number, height: number): Uint8Array<ArrayBuffer> {
  const pixels = Array.from({ length: width * height * 3 }, (_, at) => (at * 7) % 256);
  return Uint8Array.from([...new TextEncoder().encode(`P6 ${width} ${height} 255\n`), ...pixels]);
}

Deno.test("WebAssembly commands receive plain HTTP on their standard streams", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 1024 } });
  const [shrink, visit] = await Promise.all(["shrink", "visit"].map(example));
  const create = async (name: string, module: Uint8Array, fields: object) =>
    await post(`${node.url}/create`, await wasmFunction(name, module, fields));
  assert.equal((await create("shrink", shrink!, { Http: "stdio" })).status, 200);
  assert.equal((await create("visit", visit!, { Http: "cgi" })).status, 200);

  await t.step(
    "a filter receives the bytes of the body, and its output is the response",
    async () => {
      for (let call = 0; call < 3; call++) {
        const answer = await fetch(`${node.url}/fn/shrink/`, {
          method: "POST",
          body: picture(6, 4),
        });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get("content-type"), "application/octet-stream");
        const bytes = await answer.bytes();
        assert.equal(new TextDecoder().decode(bytes.subarray(0, 11)), "P6 3 2 255\n");
        assert.equal(bytes.length, 11 + 3 * 2 * 3);
      }
      const bad = await fetch(`${node.url}/fn/shrink/`, { method: "POST", body: "no picture" });
      assert.equal(bad.status, 500);
      await bad.body?.cancel();
    },
  );

  await t.step("a large body passes completely", async () => {
    const answer = await fetch(`${node.url}/fn/shrink/`, {
      method: "PUT",
      body: picture(1000, 500),
    });
    assert.equal((await answer.bytes()).length, "P6 500 250 255\n".length + 500 * 250 * 3);
  });

  await t.step("a CGI program sets status, headers and body", async () => {
    const answer = await fetch(`${node.url}/fn/visit/some%20page?a=%ff&b+c`, {
      method: "POST",
      headers: { "user-agent": "test", "content-type": "text/x-note" },
      body: "abc",
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/plain; charset=UTF-8");
    assert.deepEqual(answer.headers.getSetCookie(), ["visited=1", "from=127.0.0.1"]);
    assert.equal(
      await answer.text(),
      "POST /some page\nquery: a=%ff&b+c\nagent: test\nbody: 3 bytes of text/x-note\n",
    );
    const gone = await fetch(`${node.url}/fn/visit/gone`);
    assert.deepEqual([gone.status, await gone.text()], [410, "This page is gone.\n"]);
    const head = await fetch(`${node.url}/fn/visit/`, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("set-cookie")], [
      200,
      "visited=1, from=127.0.0.1",
    ]);
  });

  await t.step("output without headers is a failure that the log explains", async () => {
    assert.equal((await create("bare", shrink!, { Http: "cgi" })).status, 200);
    const answer = await fetch(`${node.url}/fn/bare/`, { method: "POST", body: picture(2, 2) });
    assert.equal(answer.status, 500);
    const { requestId } = await answer.json();
    const { body } = await get(`${node.url}/logs/bare`);
    const lines = body.Lines.filter((line: string) => line.includes(requestId));
    assert.match(lines.join("\n"), /CgiError|no headers/);
  });

  await t.step("an invocation passes params to a command as usual", async () => {
    const { body } = await post(`${node.url}/invoke/visit`, { Params: { a: 1 } });
    assert.match(JSON.parse(body.Result), /body: 7 bytes of /);
  });

  await t.step("reactors and other runtimes are rejected", async () => {
    const reactor = await compileWasm([
      "--target=wasm32",
      "-Os",
      "-nostdlib",
      "-Wl,--no-entry",
      new URL("../../../examples/hello/hello.c", import.meta.url).pathname,
    ]);
    const refused = await create("reactor", reactor, { Http: "stdio" });
    assert.equal(refused.status, 422);
    assert.match(refused.body.message, /only commands support Http/);
    const other = await create("python", shrink!, { Http: "stdio", Runtime: "deno", Handler: "a" });
    assert.equal(other.status, 422);
    assert.match(other.body.message, /^Http: only commands of the runtime wasm/);
    assert.equal((await create("odd", shrink!, { Http: "fastcgi" })).status, 400);
  });
});

import assert from "node:assert/strict";
import { code, post } from "../../support/client.ts";
import { startNodeProcess } from "../../support/node.ts";
import { rawRequest } from "../../support/network/raw_request.ts";
import { showRequest, trickyTargets } from "../../support/functions/request_function.ts";

Deno.test("requests reach functions unchanged", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 1024 } });
  const create = async (Name: string, source: string) => {
    const TarFunctionCode = await code({ "main.js": source });
    const definition = { Name, Runtime: "deno", MemoryMB: 96, Handler: "main.js", TarFunctionCode };
    const { status, body } = await post(`${node.url}/create`, definition);
    assert.equal(status, 200, JSON.stringify(body));
  };
  await create("web", showRequest);
  await create("event", "export default (event) => [event];");
  const send = async (method: string, target: string, lines: string[] = [], body = "") => {
    const answer = await rawRequest(node.url, method, target, lines, body);
    assert.equal(answer.status, 200, `${target}: ${answer.text}`);
    return JSON.parse(answer.text);
  };

  await t.step("`request.url` and the event's url have the bytes of the target", async () => {
    for (const target of trickyTargets) {
      const { url } = await send("GET", `/fn/web${target}`);
      assert.equal(url, `http://test.example:8080${target}`);
      assert.equal((await send("GET", `/fn/event${target}`))[0].url, target);
    }
    assert.equal((await send("GET", "/fn/web")).url, "http://test.example:8080/");
    assert.equal((await send("GET", "/fn/web?a=%ff")).url, "http://test.example:8080/?a=%ff");
  });

  await t.step("no path is interpreted as a host", async () => {
    for (const path of ["///evil/", "/\\evil", "/\\/evil/x", "/@evil", "/a/../../../evil"]) {
      const { url } = await send("GET", `/fn/web${path}`);
      assert.equal(new URL(url).host, "test.example:8080", path);
    }
  });

  await t.step("the host is the client's, with HTTP/2, too", async () => {
    const { code: status, stdout } = await new Deno.Command("curl", {
      args: ["-s", "--http2-prior-knowledge", `${node.url}/fn/web/x?y`],
    }).output();
    assert.equal(status, 0);
    assert.equal(JSON.parse(new TextDecoder().decode(stdout)).url, `${node.url}/x?y`);
  });

  await t.step("a request without a host has the node's address", async () => {
    const { url, names } = await send("GET", "/fn/web/x", ["Host: "]);
    assert.deepEqual([url, names], [`${node.url}/x`, ["host"]]);
    // Pages are kept out by `Host`, which no page can leave empty.
    assert.equal((await rawRequest(node.url, "GET", "/status", ["Host:"])).status, 200);
  });

  await t.step("a missing body stays missing, and no header is added", async () => {
    const none = await send("POST", "/fn/web/");
    assert.deepEqual([none.hasBody, none.body, none.names], [false, "", ["host"]]);
    const text = await send("PUT", "/fn/web/", ["Content-Length: 2"], "ab");
    assert.deepEqual([text.hasBody, text.body], [true, "ab"]);
    assert.deepEqual(text.names, ["content-length", "host"]);
    const [{ headers, body }] = await send("DELETE", "/fn/event/");
    assert.deepEqual([headers, body], [{ host: "test.example:8080" }, ""]);
  });

  await t.step("repeated headers keep all values", async () => {
    const lines = ["X-Mine: 1", "x-mine: 2", "Cookie: a=1"];
    assert.equal((await send("OPTIONS", "/fn/web/", lines)).mine, "1, 2");
    const [{ headers }] = await send("GET", "/fn/event/", lines);
    assert.deepEqual([headers["x-mine"], headers.cookie], ["1, 2", "a=1"]);
  });

  await t.step("a response has no content type unless its function sets one", async () => {
    await create(
      "plain",
      `export default { fetch(request) {
        const body = new URL(request.url).pathname === "/none" ? null : new Uint8Array([97]);
        return new Response(body, { headers: { "x-method": request.method } });
      } };`,
    );
    for (
      const [method, path, body] of [["GET", "/none", ""], ["GET", "/a", "a"], ["HEAD", "/", ""]]
    ) {
      const answer = await rawRequest(node.url, method!, `/fn/plain${path}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), null, `${method} ${path}`);
      assert.deepEqual([answer.text, answer.headers.get("x-method")], [body, method]);
    }
  });
});

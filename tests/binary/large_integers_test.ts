import assert from "node:assert/strict";
import { code, nodejs, post, python } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { buildWasm, wasmFunction } from "../support/functions/wasm.ts";

/** No double holds it. */
const id = "9007199254740993";
const digits = "7".repeat(400);

const echo = `
def f(params, context):
    if "path" in params:
        return {"statusCode": 201, "body": {"id": ${id}}}
    return params
`;

/** Sends text, and gives status and text: nothing here parses a number. */
async function send(url: string, body: string): Promise<[status: number, text: string]> {
  const answer = await fetch(url, { method: "POST", body });
  return [answer.status, await answer.text()];
}

/** The JSON text that the function returned, by its report. */
function resultIn([status, text]: [number, string]): string {
  assert.equal(status, 200, text);
  return JSON.parse(text).Result;
}

Deno.test("numbers that JavaScript would change are exact or rejected, in the binary", async (t) => {
  await using node = await startNodeProcess({ config: { "container.pool.memory": 1024 } });
  const create = async (definition: object) => {
    const { status, body } = await post(`${node.url}/create`, definition);
    assert.equal(status, 200, JSON.stringify(body));
  };
  await create(await python("echo", echo));
  const url = `${node.url}/invoke/echo`;

  await t.step("Python receives and returns all digits", async () => {
    const params = `{"id": ${id}, "list": [-${id}, {"long": ${digits}}]}`;
    assert.equal(resultIn(await send(url, `{"Params": ${params}}`)), params);
  });

  await t.step("asynchronous invocations keep all digits", async () => {
    const [status, accepted] = await send(url, `{"params":{"id": ${id}},"async":true}`);
    assert.equal(status, 200, accepted);
    const poll = `${node.url}/poll/${JSON.parse(accepted).ReqId}`;
    await eventually("it has ended", async () => {
      const answer = await fetch(poll);
      const text = await answer.text();
      return answer.status === 200 && JSON.parse(text).Result === `{"id": ${id}}`;
    });
  });

  await t.step("bodies over plain HTTP keep all digits", async () => {
    const answer = await fetch(`${node.url}/fn/echo/`);
    assert.deepEqual([answer.status, await answer.text()], [201, `{"id":${id}}`]);
  });

  await t.step("the command line keeps all digits, from file and option", async () => {
    const sent = ["invoke", "echo", "-j", "-", "-p", `more:${id}`];
    const { code, stdout } = await node.cli(sent, `{"id": ${id}}`);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).Result, `{"id": ${id}, "more": ${id}}`);
  });

  await t.step("an integer beyond Python's limit is a clear failure", async () => {
    const [status, text] = await send(url, `{"Params":{"n":${"1".repeat(5000)}}}`);
    assert.equal(status, 500);
    assert.match(JSON.parse(text).message, /parameters cannot be read: .*4300/);
    assert.equal(resultIn(await send(url, '{"Params":{"n":1}}')), '{"n": 1}');
  });

  await t.step("an i64 of WebAssembly is exact, and one of 65 bits is rejected", async () => {
    const { reactor } = await buildWasm();
    await create(await wasmFunction("add", reactor, { Handler: "main.add" }));
    const add = (params: string) => send(`${node.url}/invoke/add`, `{"Params":${params}}`);
    assert.equal(resultIn(await add(`{"a":${id},"b":2}`)), "9007199254740995");
    const [status, text] = await add(`{"a":18446744073709551616,"b":0}`);
    assert.equal(status, 500);
    assert.match(JSON.parse(text).message, /does not fit in 64 bits/);
  });

  await t.step("JavaScript does not receive a different number", async () => {
    await create(await nodejs("node", "exports.handler = (params) => params;"));
    await create({
      Name: "deno",
      Runtime: "deno",
      MemoryMB: 96,
      Handler: "main.ts",
      TarFunctionCode: await code({ "main.ts": "export default (params: unknown) => params;" }),
    });
    for (const name of ["node", "deno"]) {
      for (const rest of ["", ',"Async":true']) {
        const body = `{"Params":{"user":[{"id":${id}}]}${rest}}`;
        const [status, text] = await send(`${node.url}/invoke/${name}`, body);
        assert.equal(status, 422, text);
        const { code, path, message } = JSON.parse(text);
        assert.deepEqual([code, path], ["UNPROCESSABLE", "Params.user.0.id"]);
        assert.match(message, /beyond 2\^53.*send it as a string/);
      }
    }
    const exact = `{"a":9007199254740992,"b":"${id}","c":1e300}`;
    const result = resultIn(await send(`${node.url}/invoke/deno`, `{"Params":${exact}}`));
    assert.equal(result, exact.replace("1e300", "1e+300"));
  });

  await t.step("a number that no double can represent is rejected for every runtime", async () => {
    for (const name of ["echo", "add", "node", "deno"]) {
      const [status, text] = await send(`${node.url}/invoke/${name}`, '{"Params":{"x":[1e400]}}');
      assert.equal(status, 400, text);
      assert.equal(JSON.parse(text).path, "Params.x.0");
    }
  });
});

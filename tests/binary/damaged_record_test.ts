import assert from "node:assert/strict";
import { codePrefix, functionsPrefix } from "../../lib/registry/etcd/keys.ts";
import { type Answer, code, get, post } from "../support/client.ts";
import { startEtcd, type TestEtcd } from "../support/etcd.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";

/** A definition of a `deno` function that answers with a text. */
async function answering(name: string, text: string): Promise<object> {
  const source = `export default () => ${JSON.stringify(text)};`;
  const TarFunctionCode = await code({ "main.js": source });
  return { Name: name, Runtime: "deno", MemoryMB: 64, Handler: "main.default", TarFunctionCode };
}

async function put(etcd: TestEtcd, name: string, value: string): Promise<void> {
  await etcd.ctl("put", functionsPrefix + name, value);
}

/** How many codes a registry holds. */
async function codes(etcd: TestEtcd): Promise<number> {
  const keys = await etcd.ctl("get", "--prefix", "--keys-only", codePrefix);
  const hashes = keys.split("\n").filter((key) => key.startsWith(codePrefix))
    .map((key) => key.slice(codePrefix.length).split("/")[0]);
  return new Set(hashes).size;
}

Deno.test("a damaged record of a function is reported by every route and can be repaired", async (t) => {
  await using etcd = await startEtcd();
  await using node = await startNodeProcess({
    config: { "etcd.address": etcd.endpoint, "registry.udp.port": 0 },
  });
  const { url } = node;
  await put(etcd, "torn", '{"Name":"torn","Runt');
  await eventually(
    "the node knows of the record",
    async () => (await post(`${url}/invoke/torn`)).status !== 404,
  );

  await t.step(
    "invoke, fn, prewarm, logs and patch report the problem and the remedy",
    async () => {
      const patched = async (): Promise<Answer> => {
        const answer = await fetch(`${url}/function/torn`, { method: "PATCH", body: "{}" });
        return { status: answer.status, headers: answer.headers, body: await answer.json() };
      };
      const answers = {
        invoke: await post(`${url}/invoke/torn`),
        fn: await get(`${url}/fn/torn`),
        prewarm: await post(`${url}/prewarm`, { Function: "torn", Instances: 1 }),
        logs: await get(`${url}/logs/torn`),
        patch: await patched(),
      };
      for (const [route, { status, body }] of Object.entries(answers)) {
        assert.deepEqual([status, body.code], [500, "FUNCTION_DAMAGED"], route);
        assert.match(
          body.message,
          /"torn" .* \(its value is not JSON\): create .* again, or delete/,
        );
      }
    },
  );

  await t.step("creating the function again repairs it", async () => {
    assert.equal((await post(`${url}/create`, await answering("torn", "whole"))).status, 200);
    const { status, body } = await post(`${url}/invoke/torn`);
    assert.deepEqual([status, body.Result], [200, '"whole"'], JSON.stringify(body));
  });

  await t.step("deleting the function removes it", async () => {
    await put(etcd, "other", "{}");
    await eventually(
      "the node knows of the record",
      async () => (await post(`${url}/invoke/other`)).body.code === "FUNCTION_DAMAGED",
    );
    assert.equal((await post(`${url}/delete`, { Name: "other" })).status, 200);
    assert.equal((await post(`${url}/invoke/other`)).body.code, "FUNCTION_UNKNOWN");
  });
});

Deno.test("code of a damaged record is kept until the record is repaired", async () => {
  await using etcd = await startEtcd();
  await using node = await startNodeProcess({
    config: { "etcd.address": etcd.endpoint, "registry.udp.port": 0 },
  });
  const { url } = node;
  for (const name of ["a", "b", "c"]) {
    assert.equal((await post(`${url}/create`, await answering(name, name))).status, 200);
  }
  assert.equal(await codes(etcd), 3);
  // The code of this one is still known, that of the other is not.
  const { CodeHash } = JSON.parse(
    await etcd.ctl("get", "--print-value-only", `${functionsPrefix}a`),
  );
  await put(etcd, "a", JSON.stringify({ Name: "a", CodeHash }));
  await put(etcd, "b", '{"Name":"b","Runt');
  const deleted = (name: string) => post(`${url}/delete`, { Name: name });
  assert.equal((await deleted("c")).status, 200);
  await eventually(
    "the node has logged it",
    () => node.log().includes("Unused code is not deleted"),
  );
  assert.equal(await codes(etcd), 3);
  assert.equal((await deleted("b")).status, 200);
  await eventually("code of b and c is collected", async () => await codes(etcd) === 1);
  assert.equal((await deleted("a")).status, 200);
  await eventually("code of a is collected", async () => await codes(etcd) === 0);
});

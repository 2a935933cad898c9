/**
 * Clients that well-known generators make of the OpenAPI document, against a node of the binary.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runToEnd } from "../support/process.ts";
import { startNodeProcess } from "../support/node.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Where `scripts/setup.sh generators` puts them. */
const generators = new URL("../../.tools/generators/", import.meta.url).pathname;

const typescript = `
import type { components, paths } from "./api.ts";
type Body<P extends keyof paths> = paths[P] extends
  { post: { requestBody?: { content: { "application/json": infer B } } } } ? B : never;
const create: Partial<Body<"/create">> = { Name: "sum", Runtime: "deno", Env: { A: "1" } };
const update: Partial<Body<"/update">> = { Name: "sum", MemoryMB: 64 };
const invoke: Partial<Body<"/invoke/{fun}">> = { Params: { n: 1, list: ["a"] } };
const report: components["schemas"]["Report"]["Success"] = true;
// @ts-expect-error: a name is a text
const wrong: Partial<Body<"/create">> = { Name: 1 };
console.log(create, update, invoke, report, wrong);
`;

const python = `
import base64, io, sys, tarfile, time
from serverledge_client import Client
from serverledge_client.api.functions import patch_function_by_fun, post_create, post_delete, post_update
from serverledge_client.api.invocations import get_poll_by_req_id, post_invoke_by_fun
from serverledge_client.models import Deletion, Function, FunctionChanges, InvokeRequest
from serverledge_client.models.invoke_request_params_type_0 import InvokeRequestParamsType0

def code(source):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("main.js")
        entry.size = len(source)
        archive.addfile(entry, io.BytesIO(source))
    return base64.b64encode(buffer.getvalue()).decode()

def call(**more):
    params = InvokeRequestParamsType0()
    params["n"] = 1
    return post_invoke_by_fun.sync(client=client, fun="sum", body=InvokeRequest(params=params, **more))

client = Client(base_url=sys.argv[1])
first = Function(name="sum", runtime="deno", handler="main", tar_function_code=code(b"export default (p) => p.n + 1;"))
assert post_create.sync(client=client, body=first).created == "sum"
assert call().result == "2"
second = Function(name="sum", runtime="deno", handler="main", tar_function_code=code(b"export default (p) => p.n + 2;"))
assert post_update.sync(client=client, body=second).created == "sum"
assert patch_function_by_fun.sync(client=client, fun="sum", body=FunctionChanges(memory_mb=64)).updated == "sum"
assert call().result == "3"
accepted = call(async_=True).req_id
for _ in range(200):
    answer = get_poll_by_req_id.sync_detailed(client=client, req_id=accepted)
    if answer.status_code == 200:
        break
    time.sleep(0.05)
assert answer.parsed.result == "3", answer
assert post_delete.sync(client=client, body=Deletion(name="sum")).deleted == "sum"
print("ok")
`;

Deno.test("clients generated from the OpenAPI document work", async (t) => {
  await using node = await startNodeProcess();
  await using folder = await tempDir("clients");
  const run = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await runToEnd(args, { cwd: folder.path });
    assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };
  const file = (name: string) => `${folder.path}/${name}`;
  const document = await (await fetch(`${node.url}/openapi.json`)).text();
  await Deno.writeTextFile(file("api.json"), document);

  await t.step("openapi-typescript: bodies have typed fields", async () => {
    await run([`${generators}node_modules/.bin/openapi-typescript`, "api.json", "-o", "api.ts"]);
    await Deno.writeTextFile(file("use.ts"), typescript);
    await run([Deno.execPath(), "check", "--no-config", "use.ts"]);
  });

  await t.step("openapi-python-client: create, update, invoke, poll, delete", async () => {
    const target = ["--path", "api.json", "--output-path", "client"];
    await run([`${generators}venv/bin/openapi-python-client`, "generate", ...target]);
    await Deno.writeTextFile(file("client/use.py"), python);
    assert.equal(await run([`${generators}venv/bin/python`, "client/use.py", node.url]), "ok\n");
  });
});

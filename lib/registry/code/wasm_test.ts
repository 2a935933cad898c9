import assert from "node:assert/strict";
import { moduleBytes, section } from "../../../tests/support/functions/wasm_bytes.ts";
import type { ServerledgeError } from "../../base/errors.ts";
import { packTar } from "../../archive/archive.ts";
import { checkWasmCode } from "./wasm.ts";

/** Module `(memory 2) (func (export "_start"))`. */
const command = moduleBytes(
  section(1, [1, 0x60, 0, 0]),
  section(3, [1, 0]),
  section(5, [1, 0, 2]),
  section(7, [1, 6, ...new TextEncoder().encode("_start"), 0, 0]),
  section(10, [1, 2, 0, 0x0b]),
);
const definition = { handler: "", memoryMib: 16, stateful: undefined, http: undefined };

async function refusal(
  data: Uint8Array,
  change: Partial<Parameters<typeof checkWasmCode>[1]> = {},
) {
  const archive = await packTar([{ path: "a.wasm", data, executable: false }]);
  try {
    return void await checkWasmCode(archive, { ...definition, ...change });
  } catch (error) {
    const { code, message, details } = error as ServerledgeError;
    return { code, message, path: details?.path };
  }
}

Deno.test("checkWasmCode: accepts a module that can be run", async () => {
  assert.equal(await refusal(command), undefined);
  assert.equal(await refusal(command, { handler: "a" }), undefined);
});

Deno.test("checkWasmCode: accepts standard streams for plain HTTP in commands only", async () => {
  assert.equal(await refusal(command, { http: "stdio" }), undefined);
  const numbers = moduleBytes(
    section(1, [1, 0x60, 0, 0]),
    section(3, [1, 0]),
    section(7, [1, 7, ...new TextEncoder().encode("handler"), 0, 0]),
    section(10, [1, 2, 0, 0x0b]),
  );
  assert.equal(await refusal(numbers), undefined);
  const { message } = (await refusal(numbers, { http: "cgi" }))!;
  assert.match(message, /only commands support Http "cgi"/);
});

Deno.test("checkWasmCode: rejects other modules and names the field", async () => {
  assert.deepEqual(await refusal(command, { handler: "b" }), {
    code: "UNPROCESSABLE",
    message: 'Handler: the code has no module for the handler "b": its modules are a.wasm',
    path: "Handler",
  });
  const text = await refusal(new TextEncoder().encode("(module)"));
  assert.deepEqual([text?.code, text?.path], ["UNPROCESSABLE", "TarFunctionCode"]);
  assert.match(text!.message, /^TarFunctionCode: it is not a WebAssembly module/);
});

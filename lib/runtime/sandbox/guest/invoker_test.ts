import assert from "node:assert/strict";
import { Invoker } from "./invoker.ts";

Deno.test("Invoker: a result that is not JSON fails its request and nothing else", async () => {
  const invoker = new Invoker(() => {});
  const [first, second] = [invoker.invoke("c", "f", null), invoker.invoke("c", "f", null)];
  invoker.accept({ invoked: 1, result: "hello" });
  invoker.accept({ invoked: 2, result: "1" });
  await assert.rejects(first, { code: "FUNCTION_ERROR", message: /not JSON/ });
  assert.equal(await second, 1);
});

Deno.test("Invoker: params without JSON are sent as null, which comes last", () => {
  const sent: string[] = [];
  const invoker = new Invoker((text) => sent.push(text));
  for (const params of [() => 1, undefined, { toJSON: () => undefined }]) {
    void invoker.invoke("c", "f", params);
  }
  assert.equal(sent[0], '{"invoke":1,"call":"c","function":"f","params":null}');
  assert.ok(sent.every((text) => text.endsWith(',"params":null}')));
});

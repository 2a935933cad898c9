import assert from "node:assert/strict";
import * as v from "valibot";
import { ManualClock } from "../base/clock.ts";
import { readRecord, UnreadableValues } from "./records.ts";

/** A logger that collects its messages. */
function recorder() {
  const logged: Record<string, unknown>[] = [];
  const warn = (_message: unknown, values: Record<string, unknown>) => void logged.push(values);
  return { logged, log: { warn: warn as never } };
}

Deno.test("UnreadableValues: logs the first value at once, then the number of others and the last", () => {
  const clock = new ManualClock();
  const { logged, log } = recorder();
  const unreadable = new UnreadableValues(clock, log);
  const schema = v.object({ name: v.string() });
  for (let n = 0; n < 3000; n++) readRecord(schema, "{", `/key/${n}`, unreadable);
  assert.deepEqual(readRecord(schema, '{"name":"a"}', "/good", unreadable), { name: "a" });
  assert.deepEqual(logged, [{ key: "/key/0", problem: "its value is not JSON" }]);
  clock.advance(60_000);
  assert.deepEqual(logged[1], {
    count: 2999,
    key: "/key/2999",
    problem: "its value is not JSON",
  });
  readRecord(schema, '{"name":1}', "/other", unreadable);
  assert.equal(logged[2]?.key, "/other");
  assert.match(String(logged[2]?.problem), /^name: /);
  unreadable[Symbol.dispose]();
  clock.advance(60_000);
  assert.equal(logged.length, 3);
});

import { ManualClock } from "../../base/clock.ts";
import { testRegistry } from "../../../tests/contract/registry.ts";
import { openSqlite } from "./registry.ts";

testRegistry("embedded in-memory", () => {
  const clock = new ManualClock();
  const registry = openSqlite(":memory:", clock);
  return Promise.resolve({
    registry,
    shared: false,
    pass: (ms) => clock.advance(ms),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  });
});

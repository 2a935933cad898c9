import assert from "node:assert/strict";
import { eitherSignal } from "./async.ts";

Deno.test("eitherSignal: takes over the reason of the first that is aborted", () => {
  const [one, other] = [new AbortController(), new AbortController()];
  using either = eitherSignal(one.signal, other.signal);
  assert.equal(either.signal.aborted, false);
  other.abort("second");
  one.abort("first");
  assert.equal(either.signal.reason, "second");
});

Deno.test("eitherSignal: is aborted from the start where one of them is", () => {
  using either = eitherSignal(new AbortController().signal, AbortSignal.abort("before"));
  assert.equal(either.signal.reason, "before");
});

Deno.test("eitherSignal: follows nobody once it is disposed", () => {
  const control = new AbortController();
  const either = eitherSignal(control.signal);
  either[Symbol.dispose]();
  control.abort("late");
  assert.equal(either.signal.aborted, false);
});

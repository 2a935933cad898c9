import assert from "node:assert/strict";
import { SeenRequests } from "./seen_requests.ts";

Deno.test("a request is taken once, until it is forgotten", () => {
  const seen = new SeenRequests();
  assert(seen.add("a", 0));
  assert(!seen.add("a", 1));
  assert(seen.add("b", 2));
  assert(!seen.add("a", 599_999));
  assert(!seen.add("a", 600_000), "of the older generation now");
  assert(seen.add("a", 1_200_000));
});

Deno.test("who comes after a long silence is remembered like the first", () => {
  const seen = new SeenRequests();
  seen.add("a", 0);
  assert(seen.add("a", 10_000_000));
  assert(!seen.add("a", 10_000_001));
});

Deno.test("a request that did not start may come again", () => {
  const seen = new SeenRequests();
  seen.add("a", 0);
  seen.forget("a");
  assert(seen.add("a", 1));
  seen.forget("unknown");
});

Deno.test("memory is bounded", () => {
  const seen = new SeenRequests();
  for (let n = 0; n <= 200_000; n++) seen.add(String(n), n / 1000);
  assert(seen.add("0", 201), "the oldest was forgotten");
  assert(!seen.add("100000", 201));
  assert(!seen.add("200000", 201));
});

import assert from "node:assert/strict";
import { SeenRequests } from "./seen_requests.ts";

Deno.test("SeenRequests: accepts an id once, until it expires", () => {
  const seen = new SeenRequests();
  assert(seen.add("a", 0));
  assert(!seen.add("a", 1));
  assert(seen.add("b", 2));
  assert(!seen.add("a", 599_999));
  assert(!seen.add("a", 600_000), "of the older generation now");
  assert(seen.add("a", 1_200_000));
});

Deno.test("SeenRequests: remembers an id that arrives after a long pause", () => {
  const seen = new SeenRequests();
  seen.add("a", 0);
  assert(seen.add("a", 10_000_000));
  assert(!seen.add("a", 10_000_001));
});

Deno.test("SeenRequests: accepts a forgotten id again", () => {
  const seen = new SeenRequests();
  seen.add("a", 0);
  seen.forget("a");
  assert(seen.add("a", 1));
  seen.forget("unknown");
});

Deno.test("SeenRequests: the number of ids is bounded", () => {
  const seen = new SeenRequests();
  for (let n = 0; n <= 200_000; n++) seen.add(String(n), n / 1000);
  assert(seen.add("0", 201), "the oldest was forgotten");
  assert(!seen.add("100000", 201));
  assert(!seen.add("200000", 201));
});

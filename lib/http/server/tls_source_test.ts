import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import type { Libc } from "./libc.ts";
import { TlsSource } from "./tls_source.ts";

/** A source of connections whose handshakes never end, and the searches for their sockets, each of 1 s. */
function setUp(outcome: () => Promise<void> = () => Promise.resolve()) {
  const clock = new ManualClock();
  const searches: unknown[][] = [];
  const libc = {
    shutDown(connections: unknown[]) {
      searches.push(connections);
      return new Promise<void>((resolve) => clock.after(1_000, () => resolve(outcome())));
    },
  };
  const listener = {
    accept: () => Promise.resolve({ handshake: () => new Promise(() => {}) }),
  };
  const source = new TlsSource(
    listener as unknown as Deno.TlsListener,
    libc as unknown as Libc,
    clock,
  );
  const advance = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { source, searches, advance };
}

Deno.test("TlsSource: searches once for the sockets of connections closed within 50 ms", async () => {
  const { source, searches, advance } = setUp();
  const [a, b] = [await source.accept(), await source.accept()];
  source.closed(a);
  await advance(49);
  source.closed(b);
  assert.deepEqual(searches, []);
  await advance(1);
  assert.deepEqual(searches, [[a, b]]);
  assert.equal(source.failures, 2);
});

Deno.test("TlsSource: pauses between searches for ten times their duration", async () => {
  const { source, searches, advance } = setUp();
  const [a, b, c] = [await source.accept(), await source.accept(), await source.accept()];
  source.closed(a);
  await advance(50);
  source.closed(b);
  await advance(1_000);
  await advance(9_999);
  source.closed(c);
  assert.deepEqual(searches, [[a]]);
  await advance(1);
  assert.deepEqual(searches, [[a], [b, c]]);
});

Deno.test("TlsSource: repeats a search that failed", async () => {
  let failures = 1;
  const { source, searches, advance } = setUp(() =>
    failures-- > 0 ? Promise.reject(new Error("EMFILE")) : Promise.resolve()
  );
  const a = await source.accept();
  source.closed(a);
  await advance(50);
  await advance(1_000);
  await advance(10_000);
  assert.deepEqual(searches, [[a], [a]]);
  await advance(1_000);
  await advance(100_000);
  assert.equal(searches.length, 2);
});

import assert from "node:assert/strict";
import { fakeRecord, settle } from "../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { Prefetcher } from "./prefetch.ts";

function setUp() {
  const clock = new ManualClock();
  const asked: { name: string; resolve(): void; reject(error: Error): void }[] = [];
  const environment = {
    prepare({ name }: { name: string }): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      asked.push({ name, resolve, reject });
      return promise;
    },
  };
  const prefetcher = new Prefetcher(environment, clock);
  const want = (name: string) =>
    prefetcher.want(fakeRecord({ name, runtime: "custom", customImage: name }));
  return { clock, asked, want };
}

Deno.test("Prefetcher: fetches an image once, and few at a time", async () => {
  const { asked, want } = setUp();
  for (const name of ["a", "a", "b", "c"]) want(name);
  assert.deepEqual(asked.map(({ name }) => name), ["a", "b"]);
  asked[0]!.resolve();
  await settle();
  want("c");
  assert.equal(asked.length, 3);
});

Deno.test("Prefetcher: retries a failed image after a delay", async () => {
  const { clock, asked, want } = setUp();
  want("a");
  asked[0]!.reject(new Error("no such image"));
  await settle();
  clock.advance(599_999);
  want("a");
  assert.equal(asked.length, 1);
  clock.advance(1);
  want("a");
  assert.equal(asked.length, 2);
  asked[1]!.reject(new ServerledgeError("ENGINE_UNAVAILABLE", "away"));
  await settle();
  clock.advance(15_000);
  want("a");
  assert.equal(asked.length, 3);
});

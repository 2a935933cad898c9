import assert from "node:assert/strict";
import { ServerledgeError } from "../../../base/errors.ts";
import type { ImageNeed } from "../../../images/needs.ts";
import { ImageRecords } from "../../../images/records.ts";
import { ImageKeeper } from "./keeper.ts";
import type { FoundImage } from "./images.ts";

const image = (id: string, published = true): FoundImage => ({
  id,
  sizeBytes: 100,
  architecture: "amd64",
  published,
});

/** Creates a keeper with an engine in memory. Images in `registry` can be pulled. */
function setUp(needed: Record<string, Partial<ImageNeed>>) {
  const records = new ImageRecords({ read: () => undefined, write: () => {} });
  const present = new Map<string, FoundImage>();
  const registry = new Set<string>();
  const used = new Set<string>();
  const refused = new Set<string>();
  const keys: string[] = [];
  const images = {
    records,
    find: (name: string) => Promise.resolve(present.get(name)),
    inUse: () => Promise.resolve(used),
    ensure(name: string, key: string) {
      keys.push(key);
      if (!registry.has(name)) {
        return Promise.reject(new ServerledgeError("ENGINE_REFUSED", `no ${name}`));
      }
      present.set(name, image(`id of ${name}`));
      records.note(name, `id of ${name}`, true);
      return Promise.resolve(true);
    },
    remove(name: string) {
      if (refused.has(name)) return Promise.resolve(false);
      present.delete(name);
      records.forget(name);
      return Promise.resolve(true);
    },
  };
  const needs = new Map(
    Object.entries(needed).map(([name, need]) => [name, { runtimes: [], functions: [], ...need }]),
  );
  const keyOf = (runtime: string) => `runtimes.${runtime}.image`;
  const keeper = new ImageKeeper({ images, needs: () => needs, keyOf });
  return { keeper, records, present, registry, used, refused, needs, keys };
}

Deno.test("ImageKeeper: lists needed images, and recorded ones that are no longer needed", async () => {
  const { keeper, records, present } = setUp({
    "py:1": { runtimes: ["python"], functions: ["g", "f"] },
  });
  present.set("py:1", image("a")).set("old:1", image("b")).set("stranger:1", image("c"));
  records.note("py:1", "a", true);
  records.note("old:1", "b", false);
  records.note("gone:1", "d", true);
  const base = { present: true, sizeBytes: 100, architecture: "amd64" };
  assert.deepEqual(await keeper.list(), [
    { ...base, image: "old:1", runtimes: [], functions: [], pulled: false },
    { ...base, image: "py:1", runtimes: ["python"], functions: ["f", "g"], pulled: true },
  ]);
  assert.equal(records.get("gone:1"), undefined, "nothing is left to remember");
  present.set("py:1", image("put under its name since"));
  assert.equal((await keeper.list())[1]!.pulled, false);
});

Deno.test("ImageKeeper: pulls missing or named images, and continues after a failure", async () => {
  const { keeper, present, registry, keys } = setUp({
    "py:1": { runtimes: ["python"] },
    "none:1": { functions: ["f"] },
    "node:1": { runtimes: ["nodejs"] },
  });
  registry.add("py:1").add("node:1").add("more:latest");
  present.set("py:1", image("a"));
  await assert.rejects(keeper.pull([], false), (error: ServerledgeError) => {
    assert.equal(error.code, "ENGINE_REFUSED");
    assert.match(error.message, /no none:1/);
    assert.deepEqual(error.details, {
      Pulled: ["node:1"],
      Present: ["py:1"],
      Missing: ["none:1"],
    });
    return true;
  });
  assert.deepEqual(keys, ["", "runtimes.nodejs.image"]);
  const named = ["more", "more:latest", "py:1"];
  assert.deepEqual(await keeper.pull(named, false), { pulled: ["more:latest"], present: ["py:1"] });
  assert.deepEqual(await keeper.pull(["py:1"], true), { pulled: ["py:1"], present: [] });
});

Deno.test("ImageKeeper: removes only recorded, unchanged images that are not needed or in use", async () => {
  const { keeper, records, present, used, refused, needs } = setUp({
    "needed:1": { functions: ["f"] },
  });
  present.set("stranger:1", image("s"));
  const ours = ["needed:1", "pulled:1", "used:1", "built:1", "changed:1", "busy:1", "late:1"];
  for (const name of ours) {
    present.set(name, image(name, name !== "built:1" && name !== "pulled:1"));
    records.note(name, name, name === "pulled:1");
  }
  present.set("changed:1", image("another"));
  used.add("busy:1");
  refused.add("late:1"); // a container was made after the engine was asked
  const before = new Map(present);
  const kept = [
    {
      image: "built:1",
      reason: "it was built or loaded on this machine, and no registry is known to have it",
    },
    { image: "changed:1", reason: "another image has its name now" },
    { image: "busy:1", reason: "a container uses it" },
  ];
  const size = (image: string) => ({ image, sizeBytes: 100 });
  assert.deepEqual(await keeper.prune({ dryRun: true, unpublished: false }), {
    dryRun: true,
    removed: [size("pulled:1"), size("used:1"), size("late:1")],
    kept,
  });
  assert.deepEqual(present, before, "a dry run removes nothing");
  assert.deepEqual(await keeper.prune({ dryRun: false, unpublished: false }), {
    dryRun: false,
    removed: [size("pulled:1"), size("used:1")],
    kept: [...kept, { image: "late:1", reason: "a container uses it" }],
  });
  needs.set("late:1", { runtimes: [], functions: ["new"] });
  const last = await keeper.prune({ dryRun: false, unpublished: true });
  assert.deepEqual(last.removed, [size("built:1")]);
  assert.deepEqual(
    [...present.keys()].sort(),
    ["busy:1", "changed:1", "late:1", "needed:1", "stranger:1"],
  );
});

import assert from "node:assert/strict";
import { fakeRecord } from "../../tests/support/fakes/fake_environment.ts";
import type { Runtime } from "../model/runtimes.ts";
import { ImageAvailability } from "./availability.ts";

function setUp() {
  const runtimes: Record<string, Runtime> = {
    python: { id: "python", executor: "python", image: "py", generic: 0 },
    custom: { id: "custom", executor: "http", image: "", generic: 0 },
  };
  const present = new Map<string, boolean>();
  const availability = new ImageAvailability({
    runtimes: Object.keys(runtimes),
    runtimeOf: (id) => runtimes[id],
    isPresent: (image) => present.get(image),
  });
  return { availability, present };
}

const python = fakeRecord();
const custom = fakeRecord({ runtime: "custom", customImage: "mine" });

Deno.test("ImageAvailability: takes unknown images for present", () => {
  const { availability, present } = setUp();
  assert.equal(availability.has(python), true, "not known yet");
  present.set("py", false).set("mine", true);
  assert.equal(availability.has(python), false);
  assert.equal(availability.has(custom), true);
  assert.equal(availability.has(fakeRecord({ runtime: "custom" })), true, "it needs none");
  assert.equal(availability.has(fakeRecord({ runtime: "unknown" })), false);
});

Deno.test("ImageAvailability: lists each requirement of runtimes and functions once", () => {
  const { availability, present } = setUp();
  present.set("py", false).set("mine", true).set("other", false);
  for (let k = 0; k < 3; k++) availability.changed(undefined, python);
  availability.changed(undefined, custom);
  assert.deepEqual([availability.present, availability.missing], [["custom", "custom mine"], [
    "python",
  ]]);
  availability.changed(custom, { ...custom, customImage: "other" });
  assert.deepEqual([availability.present, availability.missing], [["custom"], [
    "python",
    "custom other",
  ]]);
  availability.changed(python, { ...python, version: "2" });
  for (let k = 0; k < 3; k++) availability.changed(python, undefined);
  assert.deepEqual([availability.present, availability.missing], [["custom"], [
    "python",
    "custom other",
  ]]);
});

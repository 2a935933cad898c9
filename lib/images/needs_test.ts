import assert from "node:assert/strict";
import { fakeRecord } from "../../tests/support/fakes/fake_environment.ts";
import { findRuntime, resolveConfig } from "../config/config.ts";
import { imageNeeds } from "./needs.ts";

const { config } = resolveConfig([{
  origin: "test",
  values: {
    "runtimes.python.image": "py",
    "runtimes.nodejs.image": "node:22",
    "runtimes.binary.image": "debian:stable",
  },
}]);
const named = (image: string) => image.includes(":") ? image : `${image}:latest`;

Deno.test("neededImages: returns images of runtimes and of functions with custom images", () => {
  const needs = imageNeeds(
    config.runtimes.values(),
    [
      fakeRecord({ name: "a" }),
      // Its runtime ignores it.
      fakeRecord({ name: "b", runtime: "python310", customImage: "mine" }),
      fakeRecord({ name: "c", runtime: "custom", customImage: "mine" }),
      fakeRecord({ name: "d", runtime: "custom", customImage: "mine:latest" }),
      fakeRecord({ name: "e", runtime: "unheard-of" }),
      fakeRecord({ name: "f", runtime: "custom" }),
    ],
    (id) => findRuntime(config, id),
    named,
  );
  assert.deepEqual(Object.fromEntries(needs), {
    "py:latest": { runtimes: ["python"], functions: ["a", "b"] },
    "node:22": { runtimes: ["nodejs"], functions: [] },
    "debian:stable": { runtimes: ["binary"], functions: [] },
    "mine:latest": { runtimes: [], functions: ["c", "d"] },
  });
});

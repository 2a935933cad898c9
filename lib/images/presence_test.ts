import assert from "node:assert/strict";
import { fakeRecord } from "../../tests/support/fakes/fake_environment.ts";
import type { Runtime } from "../model/runtimes.ts";
import { ImageStock } from "./presence.ts";

function setUp() {
  const runtimes: Record<string, Runtime> = {
    python: { id: "python", executor: "python", image: "py", spares: 0 },
    custom: { id: "custom", executor: "http", image: "", spares: 0 },
  };
  const present = new Map<string, boolean>();
  const stock = new ImageStock({
    runtimes: Object.keys(runtimes),
    runtimeOf: (id) => runtimes[id],
    isPresent: (image) => present.get(image),
  });
  return { stock, present };
}

const python = fakeRecord();
const custom = fakeRecord({ runtime: "custom", customImage: "mine" });

Deno.test("missing is only what surely is: unknown and needless images are there", () => {
  const { stock, present } = setUp();
  assert.equal(stock.has(python), true, "not known yet");
  present.set("py", false).set("mine", true);
  assert.equal(stock.has(python), false);
  assert.equal(stock.has(custom), true);
  assert.equal(stock.has(fakeRecord({ runtime: "custom" })), true, "it needs none");
  assert.equal(stock.has(fakeRecord({ runtime: "unheard-of" })), false);
});

Deno.test("needs are those of the runtimes and of the functions there are, told once each", () => {
  const { stock, present } = setUp();
  present.set("py", false).set("mine", true).set("other", false);
  for (let k = 0; k < 3; k++) stock.changed(undefined, python);
  stock.changed(undefined, custom);
  assert.deepEqual([stock.met, stock.unmet], [["custom", "custom mine"], ["python"]]);
  stock.changed(custom, { ...custom, customImage: "other" });
  assert.deepEqual([stock.met, stock.unmet], [["custom"], ["python", "custom other"]]);
  stock.changed(python, { ...python, version: "2" });
  for (let k = 0; k < 3; k++) stock.changed(python, undefined);
  assert.deepEqual([stock.met, stock.unmet], [["custom"], ["python", "custom other"]]);
});

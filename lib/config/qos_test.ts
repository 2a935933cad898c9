import assert from "node:assert/strict";
import { resolveConfig } from "./config.ts";
import { QosClasses } from "../model/qos.ts";

function classes(values: Record<string, unknown>) {
  return resolveConfig([{ origin: "test", values }]).config.qosClasses;
}

Deno.test("resolveConfig: absent fields of a class have the values of the default class", () => {
  const [critical] = classes({ qos: { critical: { id: 2, limit: 0.5, weight: "4" } } });
  assert.deepEqual(critical, {
    name: "critical",
    id: 2,
    utility: 1,
    penalty: 0,
    limit: 0.5,
    completion: 0,
    weight: 4,
  });
});

Deno.test("resolveConfig: an invalid class is refused with its key", () => {
  const bad: [Record<string, unknown>, string][] = [
    [{ "qos.a.weight": 1 }, "qos.a.id"],
    [{ "qos.a.id": 1, "qos.b.id": 1 }, "qos.b.id"],
    [{ "qos.a.id": 1, "qos.a.weight": 0 }, "qos.a.weight"],
    [{ "qos.a.colour": 1 }, "qos.a.colour"],
  ];
  for (const [values, path] of bad) {
    assert.throws(() => classes(values), { code: "CONFIG_INVALID", details: { path } });
  }
});

Deno.test("QosClasses: finds classes by number or name; unknown ones mean the default", () => {
  const known = new QosClasses(classes({ "qos.gold.id": 7 }));
  assert.equal(known.of(7).name, "gold");
  assert.equal(known.of("7").name, "gold");
  assert.equal(known.of("gold").id, 7);
  assert.equal(known.of("no such").name, "default");
  assert.deepEqual(known.all.map(({ name }) => name), ["default", "gold"]);
});

import assert from "node:assert/strict";
import { resolveConfig } from "./config.ts";
import { isPolicy, policySetting } from "../model/policy_names.ts";

Deno.test("isPolicy: accepts one of the names or the path of a script", () => {
  for (const value of ["default", "qosaware", "mine.ts", "mine.js", "./mine", "/etc/p.mjs"]) {
    assert.ok(isPolicy(value), value);
  }
  for (const value of ["", "constructor", "edge-only", "mine.py"]) {
    assert.ok(!isPolicy(value), value);
  }
});

Deno.test("policySetting: converts texts that read as numbers or flags", () => {
  assert.deepEqual(["0.5", "true", "off", " ", 7].map(policySetting), [0.5, true, "off", " ", 7]);
  assert.equal(policySetting(["a"]), undefined);
});

Deno.test("resolveConfig: settings of policies are stored by the rest of their key", () => {
  const values = { policy: { bandwidth: { edge: "100" }, "plan.interval": 5 } };
  const { config, origins } = resolveConfig([{ origin: "file", values }]);
  assert.deepEqual(config.policySettings, { "bandwidth.edge": 100 });
  assert.equal(config["policy.plan.interval"], 5);
  assert.equal(origins.get("policy.bandwidth.edge"), "file");
});

Deno.test("resolveConfig: an unknown policy is refused with the known ones", () => {
  const values = { "scheduler.policy": "edge-only" };
  assert.throws(
    () => resolveConfig([{ origin: "file", values }]),
    /scheduler\.policy \(file\): expected default, edgeonly, .*, current value is "edge-only"/,
  );
});

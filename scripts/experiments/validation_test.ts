import assert from "node:assert/strict";
import { pointsOf } from "./validation.ts";

Deno.test("points are read by the names of their columns", () => {
  const csv = "policy,users,class,delay_ms,other,offered,served_all,mean_all_ms\n" +
    "qosaware,20,sensitive,50,x,16,15.5,120\n" +
    "qosaware,20,besteffort,50,x,24,0,\n";
  const [one, other] = pointsOf(csv);
  const { class: { name }, ...rest } = one!;
  assert.equal(name, "sensitive");
  assert.deepEqual(rest, {
    delayMs: 50,
    policy: "qosaware",
    users: 20,
    offered: 16,
    servedAll: 15.5,
    meanAllMs: 120,
  });
  assert.equal(other!.meanAllMs, undefined);
  assert.throws(() => pointsOf("class\nunheard"), /there is no class "unheard"/);
});

import assert from "node:assert/strict";
import { classes } from "../continuum/model.ts";
import { type Pair, pointsOf, validationOf, validationReport } from "./validation.ts";

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

Deno.test("what is wrong at one delay is not hidden by the others", () => {
  const pair = (delayMs: number, users: number, served: number, ms: number): Pair[] =>
    classes.map((one) => ({
      real: {
        ...{ delayMs, policy: "cloudonly", users, class: one },
        ...{ offered: 100, servedAll: 100, meanAllMs: 200 },
      },
      simulated: { served, meanMs: ms },
    }));
  const pairs = [...pair(10, 1, 100, 200), ...pair(10, 9, 100, 200), ...pair(100, 1, 100, 260)];
  const validation = validationOf({ ownMs: 3, hopMs: 6 }, [...pairs, ...pair(100, 9, 40, 240)]);
  assert.equal(validation.throughputError.toFixed(6), "0.300000");
  assert.equal(validation.responseError.toFixed(6), "0.250000");
  const { about, table } = validationReport(validation);
  assert.deepEqual(
    table.rows.map((row) => row.slice(0, 3)),
    [10, 100].flatMap((delay) => classes.map(({ name }) => [delay, "cloudonly", name])),
  );
  assert.match(about, /good answers is so by 60 % \(cloudonly, sensitive, 9 users, 100 ms\)/);
  assert.match(about, /response time by 30 % \(cloudonly, sensitive, 1 users, 100 ms\)/);
});

/**
 * `serverledge policy` as a process of its own: a user's TypeScript without Deno's own, the solver of
 * plans in a worker, and what a running node explains. It is the binary that `SERVERLEDGE_BINARY` names, else the source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code, get, post } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { type NodeProcess, startNodeProcess } from "../support/node.ts";
import { cleanEnv, runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const root = new URL("../../", import.meta.url).pathname;
const binary = Deno.env.get("SERVERLEDGE_BINARY");
const program = binary ? [binary] : [Deno.execPath(), "run", "--quiet", "-A", `${root}main.ts`];

async function decisions(args: readonly string[]): Promise<Record<string, unknown[]>> {
  const { code: exit, stdout, stderr } = await runToEnd([...program, "policy", "run", ...args], {
    env: cleanEnv(),
  });
  assert.equal(exit, 0, stderr);
  const rows = JSON.parse(stdout) as { Situation: string; Decisions: unknown[] }[];
  return Object.fromEntries(rows.map((row) => [row.Situation, row.Decisions]));
}

Deno.test("a policy in TypeScript decides the situations of the examples", async () => {
  const folder = `${root}examples/policies`;
  const made = await decisions([`${folder}/my_policy.ts`, `${folder}/situations.json`]);
  assert.deepEqual(made["node full, others wait"], [
    { kind: "offload", to: "cloud" },
    { kind: "wait" },
  ]);
});

Deno.test("every built-in policy decides the built-in situations", async () => {
  for (const name of ["default", "edgeonly", "edgecloud", "qosaware", "probabilistic"]) {
    const made = await decisions([name]);
    assert.equal(made["node and line full, alone"]!.length, 1, name);
  }
});

Deno.test("the probabilistic policy plans with its solver", async () => {
  await using dir = await tempDir("policy");
  const measured = { executionMs: 1000 };
  const path = `${dir.path}/situations.json`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      // Nothing fits here, everything fits into the cloud.
      statistics: {
        arrivals: [{ rate: 10, local: measured, remote: measured }],
        memoryMib: 0,
        cloudRttMs: 40,
      },
      situations: Array.from({ length: 20 }, (_, at) => ({
        name: `${at}`,
        node: { warm: true },
        cloud: {},
      })),
    }),
  );
  for (const [first] of Object.values(await decisions(["probabilistic", path]))) {
    assert.deepEqual(first, { kind: "offload", to: "cloud" });
  }
});

Deno.test("a value that is not a policy ends with one line and exit status 1", async () => {
  const { code: exit, stderr } = await runToEnd([...program, "policy", "run", "/nonexistent.ts"], {
    env: cleanEnv(),
  });
  assert.equal(exit, 1);
  assert.match(
    stderr,
    /^serverledge: Cannot read the policy .*: no such file or directory\n$/,
  );
});

/** Creates a function that sleeps 30 ms, and invokes it. */
async function takeNaps({ url }: NodeProcess, count: number): Promise<void> {
  const source = "export default () => new Promise((done) => setTimeout(done, 30));";
  const created = await post(`${url}/create`, {
    Name: "nap",
    Runtime: "deno",
    MemoryMB: 96,
    Handler: "main.ts",
    TarFunctionCode: await code({ "main.ts": source }),
  });
  assert.equal(created.status, 200, JSON.stringify(created.body));
  for (let call = 0; call < count; call++) {
    assert.equal((await post(`${url}/invoke/nap`, {})).status, 200);
  }
}

Deno.test("policy explain shows the latest decisions of a policy that does not learn", async () => {
  await using node = await startNodeProcess();
  await takeNaps(node, 2);
  const { code: exit, stdout, stderr } = await node.cli(["policy", "explain"]);
  assert.equal(exit, 0, stderr);
  const { Policy, Explains, Decisions } = JSON.parse(stdout);
  assert.deepEqual([Policy, Explains], ["default", false]);
  assert.deepEqual(
    Decisions.map(({ Function, Decision, Reason }: Record<string, string>) =>
      `${Function}: ${Decision}, ${Reason}`
    ),
    [
      "nap: run, no limit; an instance is idle",
      "nap: run, no limit; an instance can be started",
    ],
  );
});

Deno.test("policy explain shows what a running node has learned, and the reasons of its decisions", async () => {
  await using node = await startNodeProcess({
    config: { "scheduler.policy": "adaptive" },
  });
  await takeNaps(node, 3);

  const { code: exit, stdout, stderr } = await node.cli(["policy", "explain"]);
  assert.equal(exit, 0, stderr);
  const { Policy, Estimates, Decisions } = JSON.parse(stdout);
  assert.equal(Policy, "adaptive");
  const { function: name, executionMs, startHereMs } = Estimates.functions[0];
  assert.equal(name, "nap");
  // It sleeps 30 ms; how much longer it takes is the machine's affair.
  assert.ok(executionMs >= 29, `executionMs ${executionMs}`);
  assert.ok(startHereMs > 0, `startHereMs ${startHereMs}`);
  assert.equal(Decisions.length, 3);
  for (const { Function: of, Decision, Reason } of Decisions) {
    assert.deepEqual([of, Decision], ["nap", "run"]);
    assert.notEqual(Reason, "");
  }
});

Deno.test("a policy that cannot plan is reported as a problem, and the node works", async () => {
  await using dir = await tempDir("policy");
  const path = `${dir.path}/policy.js`;
  await Deno.writeTextFile(
    path,
    `export default () => ({
      name: "blind",
      decide: () => ({ kind: "run" }),
      plan() { throw new Error("no solution"); },
    });`,
  );
  await using node = await startNodeProcess({
    config: { "scheduler.policy": path, "policy.plan.interval": 1 },
  });
  const problem = "policy: blind cannot plan: no solution";
  await eventually("the failed plan is reported", async () => {
    const { status, body } = await get(`${node.url}/healthz`);
    return status === 200 && body.Status === "degraded" && body.Problems.includes(problem);
  });
  const metrics = await (await fetch(`${node.url}/metrics`)).text();
  assert.match(metrics, /^serverledge_plans_total\{outcome="INTERNAL"\} [1-9]/m);
});

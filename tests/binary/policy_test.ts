/**
 * `serverledge policy run` as a process of its own: a user's TypeScript without Deno's own, and the
 * solver of plans in a worker. It is the binary that `SERVERLEDGE_BINARY` names, else the source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cleanEnv, runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const root = new URL("../../", import.meta.url).pathname;
const binary = Deno.env.get("SERVERLEDGE_BINARY");
const program = binary ? [binary] : [Deno.execPath(), "run", "--quiet", "-A", `${root}main.ts`];

async function decisions(args: readonly string[]): Promise<Record<string, unknown[]>> {
  const { code, stdout, stderr } = await runToEnd([...program, "policy", "run", ...args], {
    env: cleanEnv(),
  });
  assert.equal(code, 0, stderr);
  const rows = JSON.parse(stdout) as { Situation: string; Decisions: unknown[] }[];
  return Object.fromEntries(rows.map((row) => [row.Situation, row.Decisions]));
}

Deno.test("a policy in TypeScript decides about the situations of the examples", async () => {
  const folder = `${root}examples/policies`;
  const made = await decisions([`${folder}/my_policy.ts`, `${folder}/situations.json`]);
  assert.deepEqual(made["node full, others wait"], [
    { kind: "offload", to: "cloud" },
    { kind: "wait" },
  ]);
});

Deno.test("every policy of the node decides about the built-in situations", async () => {
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

Deno.test("what is no policy ends with one line and status 1", async () => {
  const { code, stderr } = await runToEnd([...program, "policy", "run", "/nonexistent.ts"], {
    env: cleanEnv(),
  });
  assert.equal(code, 1);
  assert.match(stderr, /^serverledge: Cannot read the policy .*: there is no such file\n$/);
});

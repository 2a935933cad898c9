/**
 * `serverledge simulate` as a process of its own: the same bytes each time, a user's policy next to the
 * program's, the solver in its worker. It is the binary that `SERVERLEDGE_BINARY` names, else the
 * source.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cleanEnv, runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const root = new URL("../../", import.meta.url).pathname;
const binary = Deno.env.get("SERVERLEDGE_BINARY");
const program = binary ? [binary] : [Deno.execPath(), "run", "--quiet", "-A", `${root}main.ts`];
const scenario = `${root}examples/scenarios/fgcs-mmpp.yaml`;
const mine = `${root}examples/policies/my_policy.ts`;

const simulate = (...args: string[]) =>
  runToEnd([...program, "simulate", ...args], { env: cleanEnv() });

Deno.test("policies are compared, custom ones too, with reproducible results", async () => {
  await using dir = await tempDir("simulate");
  const files = [`${dir.path}/a.csv`, `${dir.path}/a.svg`] as const;
  const policies = ["probabilistic", "adaptive", mine].flatMap((name) => ["--policy", name]);
  const options = ["--duration", "70", "--seeds", "1", "--csv", files[0], "--svg", files[1]];
  const outputs = [];
  for (let run = 0; run < 2; run++) {
    const { code, stdout, stderr } = await simulate(scenario, ...policies, ...options, "--json");
    assert.equal(code, 0, stderr);
    const csv = await Deno.readTextFile(files[0]);
    const svg = await Deno.readTextFile(files[1]);
    outputs.push(stdout + csv + svg);
    const { policies: results } = JSON.parse(stdout);
    assert.deepEqual(results.map(({ policy }: { policy: string }) => policy), [
      "probabilistic",
      "adaptive",
      mine,
    ]);
    for (const { utility } of results) assert(utility.mean > 0);
    assert.equal(csv.split("\r\n").length, 1 + 3 * 4 + 1);
    assert(svg.startsWith("<svg") || svg.startsWith("<?xml"));
  }
  assert.equal(outputs[0], outputs[1]);
});

Deno.test("an invalid scenario ends with one line that names the place, and exit status 1", async () => {
  await using dir = await tempDir("simulate");
  const path = `${dir.path}/wrong.yaml`;
  await Deno.writeTextFile(path, `extends: ${scenario}\nload: [{ nodes: [nobody], rate: 1 }]\n`);
  const { code, stderr } = await simulate(path);
  assert.equal(code, 1);
  assert.match(stderr, /^serverledge: load\.0\.nodes: there is no node "nobody"\n$/);
});

Deno.test("a file that cannot be written ends the command at once, and other files keep their content", async () => {
  await using dir = await tempDir("simulate");
  const csv = `${dir.path}/old.csv`;
  await Deno.writeTextFile(csv, "kept");
  const wrong = ["--csv", csv, "--svg", `${dir.path}/nowhere/x.svg`];
  const { code, stdout, stderr } = await simulate(scenario, "--duration", "604800", ...wrong);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^serverledge: Cannot write .*nowhere\/x\.svg: [^\n]*\n$/);
  assert.equal(await Deno.readTextFile(csv), "kept");
  const fresh = `${dir.path}/fresh.csv`;
  assert.equal((await simulate(scenario, "--csv", fresh, "--svg", dir.path)).code, 1);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name), [
    "old.csv",
  ]);
});

Deno.test("a duration shorter than the warm-up is rejected", async () => {
  const { code, stderr } = await simulate(scenario, "--duration", "60");
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^serverledge: warmup: must be less than the duration of 60 s, current value is 60\n$/,
  );
});

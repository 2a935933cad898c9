/**
 * Policies from files: loading, rejection, and handling of faults.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ServerledgeError } from "../../lib/base/errors.ts";
import { loadPolicy } from "../../lib/policy/loader.ts";
import makeExample from "../../examples/policies/my_policy.ts";
import { cloudOf, outcomeOf, requestOf, testPolicy, viewOf } from "../contract/policy.ts";
import { tempDir } from "../support/temp_dir.ts";

const root = new URL("../../", import.meta.url).pathname;
const context = { random: () => 0, now: () => 0, settings: { half: 0.25 } };

testPolicy("the example of a policy", makeExample);

/** Writes a policy and loads it. */
async function load(name: string, source: string, warn: (problem: string) => void = assert.fail) {
  await using dir = await tempDir("policy");
  const path = `${dir.path}/${name}`;
  await Deno.writeTextFile(path, source);
  return await loadPolicy(path, context, warn);
}

async function refusal(loading: Promise<unknown>): Promise<string> {
  try {
    await loading;
  } catch (error) {
    assert.ok(error instanceof ServerledgeError);
    assert.equal(error.code, "CONFIG_INVALID");
    assert.ok(!error.message.includes("\n"));
    return error.message;
  }
  assert.fail("the policy was accepted");
}

Deno.test("a policy in TypeScript is loaded with its settings", async () => {
  const policy = await loadPolicy(`${root}examples/policies/my_policy.ts`, context, assert.fail);
  assert.equal(policy.name, "mine");
  const view = viewOf({ availableMemoryMib: 700, cloud: cloudOf() });
  assert.deepEqual(policy.decide(requestOf(), view), { kind: "offload", to: "cloud" });
});

Deno.test("a policy in JavaScript is loaded, whatever its folder is called", async () => {
  await using dir = await tempDir("policy");
  await Deno.mkdir(`${dir.path}/a b#c?`);
  const path = `${dir.path}/a b#c?/p.js`;
  await Deno.writeTextFile(
    path,
    'export default () => ({ name: "p", decide: () => ({ kind: "run" }) });',
  );
  const policy = await loadPolicy(path, context, assert.fail);
  assert.equal(policy.decide(requestOf(), viewOf()).kind, "run");
});

Deno.test("a name is loaded by name only", async () => {
  assert.equal((await loadPolicy("qosaware", context, assert.fail)).name, "qosaware");
  const message = await refusal(loadPolicy("constructor", context, assert.fail));
  assert.match(message, /^There is no policy "constructor": use default, /);
});

Deno.test("loadPolicy: rejects a module without a policy, in one line", async () => {
  const cases: [name: string, source: string, message: RegExp][] = [
    ["a.ts", "export default =\n;", /Cannot load .*: line 1: Expression expected|line 2/],
    ["a.ts", "enum A { b }\nexport default () => A.b;", /Cannot load .*: line 1: .*enum/],
    ["b.js", "export default {", /Cannot load the policy/],
    ["b.js", "export const a = 1;", /must "export default" a function/],
    ["c.js", "export default () => 1;", /needs a function "decide"/],
    ["c.js", "export default () => { throw new Error('no half'); };", /its factory throws no half/],
    ["d.js", "export default () => ({ decide() {} });", /needs a string "name"/],
    [
      "d.js",
      'export default () => ({ name: "d", decide() {}, plan: 1 });',
      /"plan" must be a function/,
    ],
  ];
  for (const [name, source, message] of cases) {
    assert.match(await refusal(load(name, source)), message);
  }
  assert.match(
    await refusal(loadPolicy("/nonexistent/p.js", context, assert.fail)),
    /Cannot read the policy \/nonexistent\/p\.js: no such file or directory/,
  );
});

Deno.test("loadPolicy: warns once about a faulty policy and lets the default policy decide", async () => {
  const sources = [
    'export default () => ({ name: "t", decide() { throw new Error("oops"); } });',
    'export default () => ({ name: "n", decide() {} });',
    'export default () => ({ name: "o", decide: () => ({ kind: "offload", to: "nobody" }) });',
    'export default () => ({ name: "r", decide: () => ({ kind: "reject", code: "TIRED" }) });',
  ];
  for (const source of sources) {
    const warnings: string[] = [];
    const policy = await load("p.js", source, (problem) => warnings.push(problem));
    for (let i = 0; i < 3; i++) assert.equal(policy.decide(requestOf(), viewOf()).kind, "run");
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]!,
      /p\.js: it(s decision| throws) .*; the default policy decides instead$/,
    );
  }
});

Deno.test("loadPolicy: outcomes keep the former names of their fields, with one warning each", async () => {
  const warnings: string[] = [];
  const policy = await load(
    "p.js",
    `export default () => ({
      name: "p",
      decide() {},
      observe(_, { wayMs, networkMs }) {
        if (wayMs !== 7 || networkMs !== 7) throw new Error("not the same");
      },
      refused(_, { wayMs, remoteTotalMs }) {
        if (wayMs !== undefined || remoteTotalMs !== 5) throw new Error("not the same");
      },
    });`,
    (problem) => warnings.push(problem),
  );
  const refusal = { node: "peer", code: "NODE_SATURATED", remoteTotalMs: 5 } as const;
  policy.refused!(requestOf(), refusal);
  assert.deepEqual(warnings, []);
  for (let i = 0; i < 2; i++) policy.observe!(requestOf(), outcomeOf({ networkMs: 7 }));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /p\.js: "wayMs" is now called "networkMs"$/);
});

Deno.test("loadPolicy: a view offers the same cloud however often it is read", async () => {
  const policy = await load(
    "p.js",
    `export default () => ({
      name: "p",
      decide: (_, view) => view.cloud ? { kind: "offload", to: view.cloud.id } : { kind: "wait" },
    });`,
  );
  let asked = 0;
  const view = {
    ...viewOf(),
    get cloud() {
      return cloudOf({ id: `cloud-${asked++}` });
    },
  };
  assert.deepEqual(policy.decide(requestOf(), view), { kind: "offload", to: "cloud-0" });
});

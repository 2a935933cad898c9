import assert from "node:assert/strict";
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { flag } from "@optique/core/primitives";
import { recordedTerminal } from "../../tests/support/fakes/recorded_terminal.ts";
import { ServerledgeError } from "../base/errors.ts";
import { defineCommand, defineGroup } from "./command.ts";
import { runCommandLine } from "./run.ts";

const commands = [
  defineCommand({
    name: "look",
    brief: "Look",
    examples: [],
    options: object({ closely: optional(flag("--closely")) }),
    run({ closely }, { host, json }, { out }) {
      out.write(JSON.stringify({ closely, host, json }));
      return Promise.resolve(0);
    },
  }),
  defineCommand({
    name: "poll",
    brief: "Poll",
    examples: [],
    options: object({ wait: optional(flag("--until-done")) }),
    run: () => Promise.resolve(0),
  }),
];

async function run(...args: string[]) {
  const { terminal, written } = recordedTerminal();
  return { status: await runCommandLine(commands, args, terminal), ...written };
}

Deno.test("runCommandLine: suggests only options of the named command", async () => {
  for (const args of [["look", "--until-done"], ["--until-done", "look"]]) {
    const { status, err } = await run(...args);
    assert.equal(status, 1);
    assert.match(err, /^serverledge: [^\n]*"--until-done"[^\n]* See serverledge look --help\.\n$/);
    assert.doesNotMatch(err, /`--until-done`/);
  }
  assert.match((await run("look", "--closly")).err, /`--closely`/);
  assert.match((await run("look", "--jsn")).err, /`--json`/);
});

Deno.test("runCommandLine: the value of an option before the command is not the command", async () => {
  for (const before of [["-H", "poll"], ["-vH", "poll"], ["-Hpoll"], ["--host=poll"]]) {
    const { status, out, err } = await run(...before, "--json=true", "look", "--closely");
    assert.deepEqual([status, err], [0, ""]);
    assert.deepEqual(JSON.parse(out), { closely: true, host: "poll", json: true });
  }
});

Deno.test("runCommandLine: help before a command is that of all, after it that of the command", async () => {
  const all = await run("--help", "look");
  assert.match(all.out, /^ {2}look [^]*^ {2}poll /m);
  assert.equal((await run("-h")).out, all.out);
  assert.equal((await run()).out, all.out);
  assert.match((await run("look", "--help")).out, /Usage: serverledge look /);
});

Deno.test("runCommandLine: an unknown command refers to the help of all commands", async () => {
  const { status, err } = await run("lok", "look");
  assert.equal(status, 1);
  assert.match(err, /"lok"[^]*See serverledge --help\.$/m);
});

Deno.test("runCommandLine: returns the status of the action or of its error, otherwise 0", async () => {
  const ending = (name: string, run: () => Promise<number | void>) =>
    defineCommand({ name, brief: name, examples: [], options: object({}), run });
  const all = [
    ending("well", () => Promise.resolve()),
    ending("later", () => Promise.resolve(7)),
    ending("badly", () => Promise.reject(new ServerledgeError("DEADLINE_EXCEEDED", "too late"))),
  ];
  const status = (name: string) => runCommandLine(all, [name], recordedTerminal().terminal);
  assert.deepEqual(await Promise.all(["well", "later", "badly"].map(status)), [0, 7, 6]);
});

Deno.test("runCommandLine: a command with commands of its own lists them, and shows the help of each", async () => {
  const group = defineGroup({
    name: "keys",
    brief: "Manage keys",
    description: "About all keys.",
    examples: [["serverledge keys list", "all keys"], ["serverledge keys make", "a new one"]],
    subcommands: [
      { name: "list", brief: "List keys", options: object({}) },
      { name: "make", brief: "Make a key", options: object({ fast: optional(flag("--fast")) }) },
    ],
    run: () => Promise.resolve(0),
  });
  const keys = async (...args: string[]) => {
    const { terminal, written } = recordedTerminal();
    return { status: await runCommandLine([group], ["keys", ...args], terminal), ...written };
  };
  assert.match(
    (await keys()).err,
    /keys needs one of its commands: list, make\. See .*keys --help/,
  );
  assert.match((await keys("-H", "list")).err, /needs one of its commands/);
  assert.match((await keys("lst")).err, /"lst".*commands of keys: list, make\. See .*keys --help/);
  assert.match((await keys("make", "--slow")).err, /"--slow"[^:]*See serverledge keys make --help/);
  assert.equal((await keys("make", "--fast")).status, 0);
  const { out } = await keys("make", "--help");
  assert.match(out, /^Make a key\n[^]*a new one/);
  assert.doesNotMatch(out, /About all keys|all keys/);
  assert.match((await keys("--help")).out, /About all keys[^]*all keys[^]*a new one/);
});

/**
 * `serverledge policy run`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, command, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import type { Decision } from "../../policy.ts";
import { type Command, defineCommand } from "../command.ts";
import { exits } from "../exits.ts";
import { doc } from "../options.ts";
import { isReadable } from "../show.ts";
import { printable } from "../style.ts";
import { formatTable } from "../table.ts";
import { warn } from "../warn.ts";

const runOptions = object({
  policy: argument(string({ metavar: "NAME|FILE" }), {
    description: message`Name of a policy, or a .js or .ts file that exports one`,
  }),
  situations: optional(argument(path({ metavar: "SITUATIONS" }), {
    description: message`JSON file with situations; without it the built-in ones`,
  })),
  seed: withDefault(option("--seed", integer(), doc("Seed of policies that draw by chance")), 1),
});

/** Runs a policy against situations and prints what it decides. */
export const policy: Command = defineCommand({
  name: "policy",
  brief: "Try a scheduling policy: run it against situations and print its decisions",
  examples: [
    ["serverledge policy run qosaware", "what a policy of the node decides"],
    [
      "serverledge policy run ./mine.ts situations.json --json",
      "a policy of your own, for scripts",
    ],
  ],
  options: command("run", runOptions, {
    brief: message`Print the decisions of a policy, and what it does where offloads fail`,
  }),
  async run({ policy, situations, seed }, globals, terminal) {
    const { loadPolicy } = await import("../../policy_loader.ts");
    const { decideInTurn } = await import("../../../policies/replay.ts");
    const { readSituations } = await import("../situations.ts");
    const { seededRandom } = await import("../../base/random.ts");
    const given = readSituations(await readFile(situations));
    using stack = new DisposableStack();
    const made = await loadPolicy(policy, {
      random: seededRandom(seed),
      now: () => performance.now(),
      settings: given.settings,
    }, (problem) => warn(terminal, problem));
    stack.defer(() => made[Symbol.dispose]?.());
    if (given.statistics) await made.plan?.(given.statistics);
    const rows = given.situations.map((situation) => ({
      Situation: situation.name,
      Decisions: decideInTurn(made, situation),
    }));
    const text = isReadable(globals, terminal)
      ? decisionTable(rows)
      : JSON.stringify(rows, null, "\t");
    terminal.out.write(`${text}\n`);
    return exits.ok;
  },
});

/** What a policy decides in one situation, and after each offload that fails. */
export interface DecisionRow {
  /** Name of the situation. */
  readonly Situation: string;
  /** At least one decision. */
  readonly Decisions: readonly Decision[];
}

/**
 * Decisions as a table for people.
 *
 * @param rows one a situation
 */
export function decisionTable(rows: readonly DecisionRow[]): string {
  return formatTable(
    [{ head: "SITUATION" }, { head: "DECISION" }, { head: "IF THAT FAILS" }],
    rows.map(({ Situation, Decisions }) => {
      const [first, ...others] = Decisions.map(inWords);
      return [printable(Situation), first!, others.join(", then ")];
    }),
  );
}

function inWords(decision: Decision): string {
  if (decision.kind === "offload") return `offload to ${printable(decision.to)}`;
  return decision.kind === "reject" ? `reject ${decision.code}` : decision.kind;
}

async function readFile(file: string | undefined): Promise<unknown> {
  if (file === undefined) {
    const builtIn = await import("../../../examples/policies/situations.json", {
      with: { type: "json" },
    });
    return builtIn.default;
  }
  const text = await Deno.readTextFile(file).catch((error) => {
    throw unreadable(file, error);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, cause: unknown): ServerledgeError {
  const reason = cause instanceof Deno.errors.NotFound
    ? "there is no such file"
    : (cause as Error).message;
  return new ServerledgeError("INVALID_REQUEST", `Cannot read ${file}: ${reason}`, { cause });
}

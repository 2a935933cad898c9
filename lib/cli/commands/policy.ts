/**
 * Subcommand `serverledge policy`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { integer } from "@optique/core/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import type { Decision } from "../../policy/contract.ts";
import { type Action, type Command, defineGroup } from "../command.ts";
import type { PolicyAnswer } from "../view/explanation.ts";
import { type Globals } from "../options/options.ts";
import { readTextFile } from "../options/text_file.ts";
import { connect } from "../client/session.ts";
import { isReadable, show } from "../view/show.ts";
import { printable } from "../view/style.ts";
import { formatTable } from "../view/table.ts";
import type { Terminal } from "../terminal.ts";
import { warn } from "../view/warn.ts";
import { argumentOf, file, optionWith, text } from "../options/parts.ts";

const runOptions = object({
  policy: argumentOf("NAME|FILE", text, "Name of a policy, or .js or .ts file that exports one"),
  situations: optional(
    argumentOf("SITUATIONS", file, "JSON file with situations; default: the built-in ones"),
  ),
  seed: optionWith("--seed", integer(), "Seed of policies that draw random numbers", 1),
});

/** Tries policies, and shows what the policy of a node has learned. */
export const policy: Command = defineGroup({
  name: "policy",
  brief: "Try out a scheduling policy, or show the estimates and decisions of a node's policy",
  examples: [
    ["serverledge policy run qosaware", "decisions of a built-in policy"],
    [
      "serverledge policy run ./mine.ts situations.json --json",
      "your own policy, with output for scripts",
    ],
    [
      "serverledge policy explain -H 10.0.0.7",
      "what a node's policy has learned, and the reasons of its decisions",
    ],
  ],
  subcommands: [
    {
      name: "run",
      brief: "Print the decisions of a policy, and its reactions to failed offloads",
      options: map(runOptions, (options): Action => (...rest) => tryOut(options, ...rest)),
    },
    {
      name: "explain",
      brief: "Print what a node's policy has learned, and its latest decisions with reasons",
      options: map(object({}), (): Action => explain),
    },
  ],
  run: (action, globals, terminal) => action(globals, terminal),
});

async function tryOut(
  { policy, situations, seed }: InferValue<typeof runOptions>,
  globals: Globals,
  terminal: Terminal,
): Promise<void> {
  const { loadPolicy } = await import("../../policy/loader.ts");
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
}

async function explain(globals: Globals, terminal: Terminal): Promise<void> {
  using node = await connect(globals, terminal);
  const answer = await node.get("/policy");
  const { explanationView } = await import("../view/explanation.ts");
  show(answer, globals, terminal, () => explanationView(answer.json as PolicyAnswer));
}

/** Decisions of a policy in one situation: the first, and one after each failed offload. */
export interface DecisionRow {
  readonly Situation: string;
  /** At least one decision. */
  readonly Decisions: readonly Decision[];
}

/**
 * Formats decisions as a table for people.
 *
 * @param rows one row for each situation
 */
export function decisionTable(rows: readonly DecisionRow[]): string {
  return formatTable(
    ["SITUATION", "DECISION", "IF THAT FAILS"],
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
  const text = await readTextFile(file, "situations");
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `Cannot read the situations ${file}: ${(cause as Error).message}`;
    throw new ServerledgeError("INVALID_REQUEST", message, { cause });
  }
}

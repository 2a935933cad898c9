/**
 * Runs a command line: from the arguments of a process to its exit status.
 *
 * @module
 */

import { bash, fish, zsh } from "@optique/core/completion";
import { merge, or } from "@optique/core/constructs";
import { runParser } from "@optique/core/facade";
import { formatMessage, lineBreak, type Message, message, text } from "@optique/core/message";
import { commit, version } from "../base/version.ts";
import type { Action, Command } from "./command.ts";
import { exitLegend, exits } from "./exits.ts";
import { reportFailure } from "./view/failure.ts";
import { type OptionNames, optionNames, respellGo } from "./options/go_spelling.ts";
import { globalOptions, type Globals } from "./options/options.ts";
import { styled } from "./view/style.ts";
import type { Terminal } from "./terminal.ts";

const programName = "serverledge";
const helpNames = ["-h", "--help"] as const;
const completionNames = ["completions", "completion"] as const;

/** The first line of `--version`. */
export const versionLine = `serverledge ${version} (commit ${commit}, Deno ${Deno.version.deno})`;

/** Result of a command line without an action: help was shown, or the command line is wrong. */
interface Ended {
  readonly status: number;
}

type Parsed = Globals & { readonly action: Action };

/**
 * Runs one command line to its end.
 *
 * @param commands the subcommands, in the order in which help lists them
 * @param args arguments after the program's name
 * @param terminal outputs and environment of the process
 * @returns the exit status
 */
export async function runCommandLine(
  commands: readonly Command[],
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const parsed = parse(commands, args, terminal);
  if ("status" in parsed) return parsed.status;
  const { action, ...globals } = parsed;
  try {
    return await action(globals, terminal) ?? exits.ok;
  } catch (error) {
    return reportFailure(error, terminal, globals.json === true);
  }
}

function parse(
  commands: readonly Command[],
  args: readonly string[],
  terminal: Terminal,
): Parsed | Ended {
  const globals = optionNames(globalOptions.usage);
  const at = firstWord(args, globals);
  const named = commands.find(({ name }) => name === args[at]);
  // If a command is named, options of the others must be neither accepted nor suggested.
  const table: Command["parser"] = named?.parser ??
    or(...commands.map((command) => command.parser));
  // A command may define an option with the name of a global one, as bench does with --json.
  const parser = merge(globalOptions, table, { allowDuplicates: true });
  const names = optionNames(named?.parser.usage ?? []);
  const known = {
    withValue: names.withValue.union(globals.withValue),
    flags: names.flags.union(globals.flags),
  };
  return runParser<typeof parser, Ended, Ended>(
    parser,
    programName,
    isCompletion(args) ? args : respellGo(args.length > 0 ? args : ["--help"], known),
    {
      usageLine: [{ type: "literal", value: "COMMAND" }, { type: "literal", value: "[OPTION...]" }],
      brief:
        message`Serverless functions on the edge and in the cloud: node and client in one program.`,
      footer: footer(),
      help: { option: { names: helpNames }, onShow: ended(exits.ok) },
      version: { value: versionLine, option: true, onShow: ended(exits.ok) },
      completion: {
        command: { names: completionNames },
        shells: { bash, fish, zsh },
        onShow: ended(exits.ok),
      },
      aboveError: "none",
      colors: terminal.out.colour,
      termWidth: "auto",
      showDefault: true,
      stdout: (line) => terminal.out.write(`${line}\n`),
      stderr: () => {},
      onError: (_, problem) => {
        const inner = named && args.slice(at + 1);
        return usageError(problem, named, inner?.[firstWord(inner, known)], terminal);
      },
    },
  );
}

/** Returns true if a shell requests completions; incomplete options then stay unchanged. */
function isCompletion(args: readonly string[]): boolean {
  return completionNames.some((name) => name === args[0]);
}

function ended(status: number): () => Ended {
  return () => ({ status });
}

/**
 * Returns the position of the first argument that is neither an option nor the value of one, which names
 * a command; -1 if a help option precedes it, which requests the help of all commands.
 */
function firstWord(args: readonly string[], known: OptionNames): number {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (helpNames.some((name) => name === arg)) return -1;
    if (!arg.startsWith("-")) return at;
    if (known.withValue.has(respellGo([arg], known).at(-1) ?? "")) at++;
  }
  return -1;
}

/** @param word the first word after the command, which may name a subcommand */
function usageError(
  problem: Message,
  command: Command | undefined,
  word: string | undefined,
  terminal: Terminal,
): Ended {
  const { err } = terminal;
  const { names, isRequired } = command?.subcommands ?? { names: [], isRequired: false };
  const isNamed = names.some((name) => name === word);
  const list = names.join(", ");
  const given = formatMessage(problem, { quotes: true }).replaceAll(/\s*\n\s*/g, " ").trim();
  const reason = isNamed || names.length === 0
    ? given
    : isRequired && word === undefined
    ? `${command?.name} needs one of its commands: ${list}.`
    : `${given} The commands of ${command?.name}: ${list}.`;
  const help = ["serverledge", command?.name, isNamed && word, "--help"].filter(Boolean).join(" ");
  err.write(`${styled(err, "red", "serverledge:")} ${reason} See ${help}.\n`);
  return { status: exits.usage };
}

function footer(): Message {
  return [
    text("Each command has its own --help with examples."),
    lineBreak(),
    text(`Exit status: ${exitLegend.map((entry) => entry.join(" ")).join(", ")}.`),
    lineBreak(),
    text("Completions: source <(serverledge completions bash); also for zsh and fish."),
  ];
}

/**
 * Defines subcommands.
 *
 * @module
 */

import { lineBreak, type Message, text } from "@optique/core/message";
import { or } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import type { Usage, UsageTerm } from "@optique/core/usage";
import type { Globals } from "./options/options.ts";
import type { Terminal } from "./terminal.ts";

/** Runs a parsed command. Resolves to the exit status, or to undefined after success. */
export type Action = (globals: Globals, terminal: Terminal) => Promise<number | void>;

/** A subcommand. */
export interface Command {
  /** Its name on the command line. */
  readonly name: string;
  /** Parses its part of the command line. */
  readonly parser: Parser<"sync", { readonly action: Action }, unknown>;
  /** Its own subcommands, if it has any. */
  readonly subcommands?: {
    readonly names: readonly string[];
    /** Whether the command line has to name one. */
    readonly isRequired: boolean;
  };
}

/** Specification of a subcommand. */
export interface CommandSpec<T> {
  /** Its name on the command line. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly brief: string;
  /** Further sentences for its own help. */
  readonly description?: string;
  /** Examples of command lines, and their effects. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  /** Its options and arguments. */
  readonly options: Parser<"sync", T, unknown>;
  /** Runs the subcommand. */
  run(options: T, ...rest: Parameters<Action>): ReturnType<Action>;
}

/** Subcommand of a subcommand, such as `create` of `keys`. */
export interface Subcommand<T> {
  /** Its name on the command line. */
  readonly name: string;
  /** One line for the help of both. */
  readonly brief: string;
  /** Its options and arguments. */
  readonly options: Parser<"sync", T, unknown>;
}

/** Specification of a subcommand with subcommands of its own. */
export interface GroupSpec<T> extends Omit<CommandSpec<T>, "options"> {
  readonly subcommands: readonly Subcommand<T>[];
  /** Options and arguments of a command line that names none of them; refused if absent. */
  readonly otherwise?: Parser<"sync", T, unknown>;
}

/**
 * Makes a subcommand with subcommands of its own. The help of each shows those examples that begin with it.
 *
 * @param spec its name, help, subcommands and action
 */
export function defineGroup<T>({ subcommands, otherwise, ...spec }: GroupSpec<T>): Command {
  const parsers = subcommands.map(({ name, brief, options }) => {
    const start = `serverledge ${spec.name} ${name}`;
    const examples = spec.examples.filter(([line]) => line.replace(/^sudo /, "").startsWith(start));
    return command(name, options, {
      brief: [text(brief)],
      // Without them the library shows those of the group.
      description: [],
      footer: examples.length > 0 ? exampleLines(examples) : [],
      usageLine: shortUsage,
    });
  });
  const options = or(...parsers, ...(otherwise ? [otherwise] : []));
  const usage: Usage = [
    { type: "literal", value: otherwise ? "[COMMAND]" : "COMMAND" },
    { type: "literal", value: "[OPTION...]" },
  ];
  return {
    name: spec.name,
    parser: parserOf({ ...spec, options }, usage),
    subcommands: { names: subcommands.map(({ name }) => name), isRequired: !otherwise },
  };
}

/**
 * Makes a subcommand.
 *
 * @param spec name, help, options and action of the subcommand
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { object } from "@optique/core/constructs";
 *
 * const hello = defineCommand({
 *   name: "hello",
 *   brief: "Say hello",
 *   examples: [["serverledge hello", "a greeting"]],
 *   options: object({}),
 *   run(_options, _globals, terminal) {
 *     terminal.out.write("hello\n");
 *     return Promise.resolve(0);
 *   },
 * });
 * assert(hello.name === "hello");
 * ```
 */
export function defineCommand<T>(spec: CommandSpec<T>): Command {
  return { name: spec.name, parser: parserOf(spec, shortUsage) };
}

function parserOf<T>(
  spec: CommandSpec<T>,
  usageLine: Usage | ((usage: Usage) => Usage),
): Command["parser"] {
  const inner = map(spec.options, (options) => ({
    action: (globals: Globals, terminal: Terminal) => spec.run(options, globals, terminal),
  }));
  return command(spec.name, inner, {
    brief: [text(spec.brief)],
    ...(spec.description && { description: [text(spec.description)] }),
    footer: exampleLines(spec.examples),
    usageLine,
  });
}

/** Returns the usage in one line, with arguments only; help lists the options below it. */
function shortUsage(usage: Usage): Usage {
  const isArgument = (term: UsageTerm): boolean =>
    term.type === "argument" ||
    ((term.type === "optional" || term.type === "multiple") && term.terms.every(isArgument));
  return [...usage.filter(isArgument), { type: "literal", value: "[OPTION...]" }];
}

function exampleLines(examples: CommandSpec<unknown>["examples"]): Message {
  const lines = examples.flatMap(([line, effect]) => [
    lineBreak(),
    text(`  ${line}`),
    lineBreak(),
    text(`      ${effect}`),
  ]);
  return [text("Examples:"), ...lines];
}

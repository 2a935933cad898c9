/**
 * Defines subcommands.
 *
 * @module
 */

import { lineBreak, type Message, text } from "@optique/core/message";
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
  const inner = map(spec.options, (options) => ({
    action: (globals: Globals, terminal: Terminal) => spec.run(options, globals, terminal),
  }));
  return {
    name: spec.name,
    parser: command(spec.name, inner, {
      brief: [text(spec.brief)],
      ...(spec.description && { description: [text(spec.description)] }),
      footer: exampleLines(spec.examples),
      usageLine: shortUsage,
    }),
  };
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

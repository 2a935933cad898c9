/**
 * Values that are attached to a short option, as Go's flag parser reads them.
 *
 * @module
 */

import type { Usage, UsageTerm } from "@optique/core/usage";

/** Options of a command, or of all, as far as splitting needs to know them. */
export interface OptionNames {
  /** Names that take a value, with their dashes. */
  readonly withValue: ReadonlySet<string>;
  /** One-letter names that take none, with their dash. */
  readonly flags: ReadonlySet<string>;
}

/**
 * The options that a parser knows.
 *
 * @param usage what the parser says of itself
 */
export function optionNames(usage: Usage): OptionNames {
  const withValue = new Set<string>();
  const flags = new Set<string>();
  const visit = (term: UsageTerm): void => {
    if (term.type === "option") {
      for (const name of term.names) {
        if (term.metavar !== undefined) withValue.add(name);
        else if (name.length === 2) flags.add(name);
      }
    } else if ("terms" in term) {
      for (const part of term.terms) {
        for (const inner of Array.isArray(part) ? part : [part]) visit(inner);
      }
    }
  };
  for (const term of usage) visit(term);
  return { withValue, flags };
}

/**
 * Splits `-fNAME`, `-f=NAME` and `-aP1323` into options and values; all else stays.
 *
 * @param args arguments of one command
 * @param names the options of that command
 */
export function splitShortOptions(args: readonly string[], names: OptionNames): string[] {
  const result: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") return [...result, ...args.slice(at)];
    if (names.withValue.has(arg)) {
      result.push(arg, ...args.slice(++at, at + 1));
    } else {
      result.push(...(/^-[^-]./.test(arg) ? splitOne(arg, names) : [arg]));
    }
  }
  return result;
}

function splitOne(arg: string, { withValue, flags }: OptionNames): string[] {
  const before: string[] = [];
  for (let at = 1; at < arg.length; at++) {
    const name = `-${arg[at]}`;
    if (withValue.has(name)) {
      const value = arg.slice(at + 1);
      return value === "" ? [...before, name] : [...before, name, value.replace(/^=/, "")];
    }
    if (!flags.has(name)) break;
    before.push(name);
  }
  return before.length === arg.length - 1 ? before : [arg];
}

/**
 * Converts spellings of options that only Go's flag parser accepts: values attached to a short option,
 * and options without a value that are set to true or false.
 *
 * @module
 */

import type { Usage, UsageTerm } from "@optique/core/usage";

/** Names of the options of one or all commands. */
export interface OptionNames {
  /** Names of options with a value, including the dashes. */
  readonly withValue: ReadonlySet<string>;
  /** Names of options without a value, including the dashes. */
  readonly flags: ReadonlySet<string>;
}

/**
 * Returns the options of a parser.
 *
 * @param usage usage of the parser
 */
export function optionNames(usage: Usage): OptionNames {
  const withValue = new Set<string>();
  const flags = new Set<string>();
  const visit = (term: UsageTerm): void => {
    if (term.type === "option") {
      for (const name of term.names) {
        (term.metavar === undefined ? flags : withValue).add(name);
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

/** Texts that Go's `strconv.ParseBool` accepts. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

/**
 * Splits `-fNAME`, `-f=NAME` and `-aP1323` into options and values, replaces `--async=true` and
 * `-a=true` by the option alone, and drops `--async=false`. Other arguments stay unchanged.
 *
 * @param args arguments of one command
 * @param names options of that command
 */
export function respellGo(args: readonly string[], names: OptionNames): string[] {
  const result: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") return [...result, ...args.slice(at)];
    if (names.withValue.has(arg)) {
      result.push(arg, ...args.slice(++at, at + 1));
    } else {
      result.push(...(arg.startsWith("--") ? respellLong(arg, names) : respellShort(arg, names)));
    }
  }
  return result;
}

function respellLong(arg: string, { withValue, flags }: OptionNames): readonly string[] {
  const [, name = "", value = ""] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? [];
  // A command may define an option with a value whose name is a flag of all commands.
  const isOn = flags.has(name) && !withValue.has(name) ? booleans.get(value) : undefined;
  if (isOn === undefined) return [arg];
  return isOn ? [name] : [];
}

function respellShort(arg: string, { withValue, flags }: OptionNames): readonly string[] {
  if (!/^-[^-]./s.test(arg)) return [arg];
  const before: string[] = [];
  for (let at = 1; at < arg.length; at++) {
    const name = `-${arg[at]}`;
    const value = arg.slice(at + 1);
    if (withValue.has(name)) {
      return value === "" ? [...before, name] : [...before, name, value.replace(/^=/, "")];
    }
    if (!flags.has(name)) return [arg];
    if (value.startsWith("=")) {
      const isOn = booleans.get(value.slice(1));
      if (isOn === undefined) return [arg];
      return isOn ? [...before, name] : before;
    }
    before.push(name);
  }
  return before;
}

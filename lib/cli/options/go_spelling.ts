/**
 * Spellings of options that Go's flag parser reads and ours does not: values attached to a short
 * option, and options without a value that are set to true or false.
 *
 * @module
 */

import type { Usage, UsageTerm } from "@optique/core/usage";

/** Options of a command, or of all, as far as respelling needs to know them. */
export interface OptionNames {
  /** Names that take a value, with their dashes. */
  readonly withValue: ReadonlySet<string>;
  /** Names that take none, with their dashes. */
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

/** What Go's `strconv.ParseBool` takes. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

/**
 * Splits `-fNAME`, `-f=NAME` and `-aP1323` into options and values, makes `--async=true` and
 * `-a=true` the bare option, and drops `--async=false`; all else stays.
 *
 * @param args arguments of one command
 * @param names the options of that command
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
  // A command may give a name of its own a value that is a flag of all commands.
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

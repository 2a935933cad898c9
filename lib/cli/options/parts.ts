/**
 * What options are made of, written as in a usage line: names, then what stands for the value.
 *
 * @module
 */

import type { Message } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { argument, flag, option } from "@optique/core/primitives";
import type { OptionName } from "@optique/core/usage";
import {
  float,
  integer,
  type NonEmptyString,
  string,
  type ValueParser,
} from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";

type Sync<T> = Parser<"sync", T, unknown>;
/** What stands for a value in help. */
type Meta = { readonly metavar: NonEmptyString };
/** How a value is read; a parser as such has its own metavariable. */
type Kind<T> = ValueParser<"sync", T> | ((meta: Meta) => ValueParser<"sync", T>);

/** Any text. */
export const text = (meta: Meta): ValueParser<"sync", string> => string(meta);
/** A whole number. */
export const whole = (meta: Meta): ValueParser<"sync", number> => integer(meta);
/** A number. */
export const decimal = (meta: Meta): ValueParser<"sync", number> => float(meta);
/** The path of a file. */
export const file = (meta: Meta): ValueParser<"sync", string> => path(meta);

/**
 * An option with a value, which may be left out.
 *
 * @param usage names and what stands for the value, e.g. `-r --rate PER_S`
 * @param kind how the value is read
 * @param meaning one or more sentences, as they are
 */
export function optionOf<T>(usage: string, kind: Kind<T>, meaning: string): Sync<T | undefined> {
  return optional(needed(usage, kind, meaning));
}

/** As {@link optionOf}, with a value where it is left out. */
export function optionWith<T>(usage: string, kind: Kind<T>, meaning: string, fallback: T): Sync<T> {
  return withDefault(needed(usage, kind, meaning), fallback);
}

/** As {@link optionOf}, but it may be repeated. */
export function optionsOf<T>(usage: string, kind: Kind<T>, meaning: string): Sync<readonly T[]> {
  return multiple(needed(usage, kind, meaning));
}

/** An option without a value: true where it is given. */
export function flagOf(usage: string, meaning: string): Sync<true | undefined> {
  return optional(flag(...usage.split(" ") as [OptionName], doc(meaning)));
}

/** A value by its position. */
export function argumentOf<T>(metavar: string, kind: Kind<T>, meaning: string): Sync<T> {
  return argument(valueOf(kind, metavar), doc(meaning));
}

/** Sentences about an option, as they are. */
function doc(text: string): { description: Message } {
  return { description: [{ type: "text", text }] };
}

function needed<T>(usage: string, kind: Kind<T>, meaning: string): Sync<T> {
  const words = usage.split(" ");
  const names = words.filter((word) => word.startsWith("-")) as [OptionName];
  return option(...names, valueOf(kind, words.at(-1)!), doc(meaning));
}

function valueOf<T>(kind: Kind<T>, metavar: string): ValueParser<"sync", T> {
  return typeof kind === "function" ? kind({ metavar } as Meta) : kind;
}

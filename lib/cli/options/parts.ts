/**
 * Builds options from text as in a usage line: names, then the metavariable.
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
/** Metavariable: the placeholder of a value in help. */
type Meta = { readonly metavar: NonEmptyString };
/** Parser of a value, or a function that makes one for a metavariable. */
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
 * Makes an optional option with a value.
 *
 * @param usage names and metavariable, e.g. `-r --rate PER_S`
 * @param kind parser of the value
 * @param meaning one or more sentences for help
 */
export function optionOf<T>(usage: string, kind: Kind<T>, meaning: string): Sync<T | undefined> {
  return optional(requiredOf(usage, kind, meaning));
}

/** Makes an option like {@link optionOf}, with a default. */
export function optionWith<T>(usage: string, kind: Kind<T>, meaning: string, fallback: T): Sync<T> {
  return withDefault(requiredOf(usage, kind, meaning), fallback);
}

/** Makes an option like {@link optionOf} that may be repeated. */
export function optionsOf<T>(usage: string, kind: Kind<T>, meaning: string): Sync<readonly T[]> {
  return multiple(requiredOf(usage, kind, meaning));
}

/** Makes an option without a value, which is true if it is given. */
export function flagOf(usage: string, meaning: string): Sync<true | undefined> {
  return optional(flag(...usage.split(" ") as [OptionName], doc(meaning)));
}

/** Makes a positional argument. */
export function argumentOf<T>(metavar: string, kind: Kind<T>, meaning: string): Sync<T> {
  return argument(valueOf(kind, metavar), doc(meaning));
}

/** Makes the description of an option; the text is not parsed. */
function doc(text: string): { description: Message } {
  return { description: [{ type: "text", text }] };
}

/** Makes an option with a value that must be given. */
export function requiredOf<T>(usage: string, kind: Kind<T>, meaning: string): Sync<T> {
  const words = usage.split(" ");
  const names = words.filter((word) => word.startsWith("-")) as [OptionName];
  return option(...names, valueOf(kind, words.at(-1)!), doc(meaning));
}

function valueOf<T>(kind: Kind<T>, metavar: string): ValueParser<"sync", T> {
  return typeof kind === "function" ? kind({ metavar } as Meta) : kind;
}

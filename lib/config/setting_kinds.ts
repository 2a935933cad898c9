/**
 * The kinds of values that keys of the configuration have: how they are read, and what they may be.
 * A value may come as text, since the environment and the command line have nothing else.
 *
 * @module
 */

import * as v from "valibot";
import { nodeName, nodeNameRule } from "../model/node.ts";

/** One key: how its value is read, what it is if nobody sets it, and what it is for. */
export interface Setting<T> {
  /** Reads it. */
  readonly schema: v.GenericSchema<unknown, T>;
  /** What it is if nobody sets it. */
  readonly value: T;
  /** What a value may be, in words. */
  readonly allowed: string;
  /** What it is for, with its unit. */
  readonly doc: string;
  /** True if the value must not be shown. */
  readonly secret?: boolean;
}

/** Makes a key of some kind from its default and what it is for. */
type Kind<T> = (value: T, doc: string, secret?: boolean) => Setting<T>;

/**
 * A kind of values.
 *
 * @param schema reads one
 * @param allowed what it may be, in words
 */
export function setting<T>(schema: v.GenericSchema<unknown, T>, allowed: string): Kind<T> {
  return (value: T, doc: string, secret = false): Setting<T> => ({
    schema,
    value,
    allowed,
    doc,
    secret,
  });
}

/** A text that a file may give as a number. */
const textual = v.pipe(v.union([v.string(), v.number()]), v.transform(String));

/** Any text. */
export const text: Kind<string> = setting(textual, "text");

/** The name of a node or an area. */
export const name: Kind<string> = setting(v.pipe(textual, nodeName), nodeNameRule);

/** The name of a node or an area, where there may be none. */
export const optionalName: Kind<string> = setting(
  v.pipe(textual, v.union([v.literal(""), nodeName])),
  `${nodeNameRule}, or empty`,
);

/** True or false. */
export const flag: Kind<boolean> = setting(
  v.pipe(
    v.union([v.boolean(), v.picklist(["true", "false"])]),
    v.transform((value) => value === true || value === "true"),
  ),
  "true or false",
);

/**
 * A number within bounds.
 *
 * @param min the least
 * @param max the greatest
 * @param integer false if it may have a fraction
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as v from "valibot";
 *
 * const workers = number(1, 64)(4, "Workers that may run at the same time");
 * assert(workers.value === 4 && v.is(workers.schema, "8") && !v.is(workers.schema, 65));
 * ```
 */
export function number(min: number, max: number, integer = true): Kind<number> {
  const allowed = `${integer ? "an integer" : "a number"} from ${min} to ${max}`;
  return setting(
    v.pipe(
      v.union([v.number(), v.pipe(v.string(), v.trim(), v.nonEmpty(), v.transform(Number))]),
      v.finite(),
      v.check((value) => !integer || Number.isInteger(value)),
      v.minValue(min),
      v.maxValue(max),
    ),
    allowed,
  );
}

/**
 * One of some words.
 *
 * @param options the words; an empty one is named as such
 */
export function choice<const C extends string>(...options: C[]): Kind<C> {
  const empty = options.some((word) => word === "") ? ", or empty" : "";
  return setting<C>(v.picklist(options), options.filter(Boolean).join(", ") + empty);
}

/** A TCP or UDP port. */
export const port: Kind<number> = number(0, 65535);
/** A duration of up to a year, s. */
export const seconds: Kind<number> = number(0, 31_536_000, false);
/** Addresses of servers, separated by commas, or none. */
export const endpoints: Kind<string> = setting(
  v.union([
    v.literal(""),
    v.pipe(v.string(), v.check((list) => list.split(",").every((part) => isEndpoint(part.trim())))),
  ]),
  "[http://|https://]HOST[:PORT], several separated by commas, or empty",
);

function isEndpoint(text: string): boolean {
  // A forgotten host: URLs take a number for an IPv4 address.
  if (/^\d+$/.test(text)) return false;
  const url = text.includes("://") ? text : `http://${text}`;
  const { protocol, href, origin, port } = URL.parse(url) ?? {};
  return (protocol === "http:" || protocol === "https:") && href === `${origin}/` && port !== "0";
}

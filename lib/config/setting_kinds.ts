/**
 * Kinds of values of configuration keys: how values are read, and which are allowed. Any value may be
 * given as text, because the environment and the command line contain only text.
 *
 * @module
 */

import * as v from "valibot";
import { tryParseJson } from "../json/json.ts";
import { nodeName, nodeNameRule } from "../model/node.ts";

/** Definition of a key: schema, default and meaning. */
export interface Setting<T> {
  /** Schema that reads a value. */
  readonly schema: v.GenericSchema<unknown, T>;
  /** Default value. */
  readonly value: T;
  /** Description of the allowed values. */
  readonly allowed: string;
  /** Meaning of the key, with its unit. */
  readonly doc: string;
  /** True if the value must not be shown. */
  readonly secret?: boolean;
}

/** Makes a key of some kind from its default and its meaning. */
type Kind<T> = (value: T, doc: string, secret?: boolean) => Setting<T>;

/**
 * Makes a kind of values.
 *
 * @param schema schema that reads a value
 * @param allowed description of the allowed values
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

/** The name of a node or an area, or an empty text. */
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
 * Makes a kind of numbers within bounds.
 *
 * @param min smallest allowed number
 * @param max largest allowed number
 * @param integer false if fractions are allowed
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
 * Makes a kind of values that are one of some words.
 *
 * @param options the words; messages describe an empty one as such
 */
export function choice<const C extends string>(...options: C[]): Kind<C> {
  const empty = options.some((word) => word === "") ? ", or empty" : "";
  return setting<C>(v.picklist(options), options.filter(Boolean).join(", ") + empty);
}

const listOfRows = v.array(v.record(v.string(), v.unknown()));

/** A list of rows with fields, or none. Who uses it checks the fields. */
export const rows: Kind<"" | Record<string, unknown>[]> = setting(
  v.union([
    v.literal(""),
    listOfRows,
    v.pipe(v.string(), v.transform((text) => tryParseJson(text)), listOfRows),
  ]),
  "a list of rows such as {claim: groups, value: ops, role: admin}, or the same as JSON, or empty",
);

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

/** Maximum number of ports in a list. */
const maxServicePorts = 64;

/** Ports of services, separated by commas, or none. */
export const servicePorts: Kind<string> = setting(
  v.union([v.literal(""), v.pipe(v.string(), v.check(isServiceList))]),
  `tcp/PORT or udp/PORT, up to ${maxServicePorts} separated by commas, or empty`,
);

function isServiceList(list: string): boolean {
  const parts = list.split(",");
  return parts.length <= maxServicePorts && parts.every((part) => isService(part.trim()));
}

function isService(text: string): boolean {
  const [, port] = /^(?:tcp|udp)\/([1-9]\d{0,4})$/.exec(text) ?? [];
  return Number(port) <= 65535;
}

function isEndpoint(text: string): boolean {
  // The host is missing: URLs would read a number as an IPv4 address.
  if (/^\d+$/.test(text)) return false;
  const url = text.includes("://") ? text : `http://${text}`;
  const { protocol, href, origin, port } = URL.parse(url) ?? {};
  return (protocol === "http:" || protocol === "https:") && href === `${origin}/` && port !== "0";
}

/**
 * Rights of tokens: a table that maps claims to the same rights that keys have.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../../base/errors.ts";
import { isObject, parse } from "../../json/json.ts";
import { type Grant, grantSchema } from "../key.ts";
import { matches } from "../role.ts";

/** Setting with the table. */
export const rightsSetting = "api.tokens.rights";

/** Claims whose text is a list separated by spaces (RFC 8693 section 4.2). */
const spaced: readonly string[] = ["scope", "scp"];

const { Role, Functions, Classes, Rate, Burst, Concurrency, MemoryMB } = grantSchema.entries;
const rowSchema = v.strictObject({
  claim: v.pipe(v.string("expected the name of a claim"), v.nonEmpty("expected a name")),
  value: v.pipe(
    v.union([v.string(), v.number(), v.boolean()], "expected a text"),
    v.transform(String),
  ),
  role: Role,
  functions: Functions,
  classes: Classes,
  rate: Rate,
  burst: Burst,
  concurrency: Concurrency,
  memory: MemoryMB,
});
const tableSchema = v.pipe(
  v.array(rowSchema, "expected a list"),
  v.minLength(1, "expected at least one row, since tokens have no other rights"),
  v.maxLength(1000, "expected at most 1000 rows"),
);

/** What tokens with a claim may do. */
export interface ClaimRights {
  /** Name of the claim, or path to one within others, e.g. `realm_access.roles`. */
  readonly claim: string;
  /** Pattern of its value, with `*` for any characters. */
  readonly value: string;
  readonly rights: Omit<Grant, "name" | "expires">;
}

/**
 * Reads the table of the configuration.
 *
 * @param rows value of the setting
 * @throws `CONFIG_INVALID` with the number of the row, counted from 0, and its field
 */
export function readClaimRights(rows: unknown): ClaimRights[] {
  try {
    return parse(tableSchema, rows).map(({ claim, value, memory, ...rights }) => ({
      claim,
      value,
      rights: { ...rights, memoryMib: memory },
    }));
  } catch (cause) {
    if (!(cause instanceof ServerledgeError)) throw cause;
    throw new ServerledgeError("CONFIG_INVALID", `${rightsSetting}: ${cause.message}`, {
      cause,
      details: { path: rightsSetting },
    });
  }
}

/**
 * Returns the rights of a token: those of the first row that matches it.
 *
 * @param claims claims of the token
 * @returns undefined if no row matches
 */
export function rightsOf(
  table: readonly ClaimRights[],
  claims: Readonly<Record<string, unknown>>,
): ClaimRights["rights"] | undefined {
  return table.find(({ claim, value }) =>
    valuesOf(claim, claims).some((each) => matches(value, each))
  )?.rights;
}

function valuesOf(claim: string, claims: Readonly<Record<string, unknown>>): string[] {
  const found = claimAt(claim, claims);
  const isList = typeof found === "string" && spaced.includes(claim);
  const values = Array.isArray(found) ? found : isList ? found.split(" ") : [found];
  return values.filter((value) => ["string", "number", "boolean"].includes(typeof value))
    .map(String);
}

/** Returns a claim. A name may itself contain dots, for example that of a URL. */
function claimAt(path: string, claims: Readonly<Record<string, unknown>>): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const outer = Object.hasOwn(claims, path.slice(0, dot)) && claims[path.slice(0, dot)];
    if (isObject(outer)) return claimAt(path.slice(dot + 1), outer);
  }
  return undefined;
}

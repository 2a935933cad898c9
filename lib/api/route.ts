/**
 * What a route is: where it listens, what it does, and how it is described in the API's reference.
 *
 * @module
 */

import type { Context } from "hono";
import type * as v from "valibot";
import type { ErrorCode } from "../base/errors.ts";

/** Answers one request; what it throws becomes an error answer. */
export type Handler = (context: Context) => Response | Promise<Response>;

/** A parameter in the query of a request. */
export interface QueryParameter {
  readonly name: string;
  /** What it means, with its default. */
  readonly description: string;
  /** JSON type of its value. */
  readonly type: "boolean" | "integer";
}

/** An answer that a route may give when all went well. */
export interface Answer {
  readonly description: string;
  /** Media type of its body; JSON if left out. */
  readonly mediaType?: string;
  /** Its body; left out where it is not JSON. */
  readonly schema?: v.GenericSchema;
}

/** A route in the API's reference. */
export interface Description {
  /** The chapter it belongs to. */
  readonly tag: string;
  /** A few words. */
  readonly summary: string;
  /** What people must know to use it. */
  readonly details: string;
  /** Its JSON body, if it takes one. */
  readonly body?: v.GenericSchema;
  /** Its parameters in the query. */
  readonly query?: readonly QueryParameter[];
  /** Answers by HTTP status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Codes of the errors that it may answer with. */
  readonly errors: readonly ErrorCode[];
  /** A command that tries it; `$NODE` stands for the node's address. */
  readonly curl: string;
}

/** One route of the API. */
export interface Route {
  /** Its verb; `ANY` for each of {@link anyMethod}. */
  readonly method: "GET" | "POST" | "PATCH" | "ANY";
  /** Its path in hono's syntax, e.g. `/poll/:reqId`; several that mean the same, main one first. */
  readonly paths: readonly [string, ...string[]];
  /** True if pages of other origins and names may use it; see `origin.ts`. */
  readonly open?: boolean;
  /** Its place in the reference. */
  readonly description: Description;
  readonly handle: Handler;
}

/** The verbs that `ANY` stands for; `HEAD` is answered as `GET` without the body. */
export const anyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** The verbs of a route. */
export function methodsOf(route: Pick<Route, "method">): readonly string[] {
  return route.method === "ANY" ? anyMethod : [route.method];
}

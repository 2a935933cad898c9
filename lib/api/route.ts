/**
 * Types of routes: method and paths, handler, and description in the reference of the API.
 *
 * @module
 */

import type { Context } from "hono";
import type { Principal } from "../access/principal.ts";
import type { Action } from "../access/role.ts";
import type * as v from "valibot";
import type { ErrorCode } from "../base/errors.ts";

/**
 * Handler of a request of a client that has the route's {@link Route.access}. An error that it throws becomes an
 * error response.
 */
export type Handler = (context: Context, principal: Principal) => Response | Promise<Response>;

/** Who may use a route: anyone, or a client that may do something. */
export type Access = "anyone" | Action;

/** Query parameter. */
export interface QueryParameter {
  readonly name: string;
  /** Meaning and default. */
  readonly description: string;
  /** JSON type of its value. */
  readonly type: "boolean" | "integer";
  /** Smallest and largest integer. */
  readonly range?: { readonly min: number; readonly max: number };
}

/** Successful response of a route. */
export interface Answer {
  readonly description: string;
  /** Media type of the body; default: JSON. */
  readonly mediaType?: string;
  /** Schema of the body; omitted if the body is not JSON. */
  readonly schema?: v.GenericSchema;
}

/** Description of a route in the reference of the API. */
export interface Description {
  /** Chapter of the reference. */
  readonly tag: string;
  /** Title of a few words. */
  readonly summary: string;
  /** Information that users need to use the route. */
  readonly details: string;
  /** Schema of the JSON body; omitted if the route has none. */
  readonly body?: v.GenericSchema;
  /** True if an empty body means all defaults. */
  readonly bodyIsOptional?: boolean;
  /** Query parameters. */
  readonly query?: readonly QueryParameter[];
  /** Successful responses by HTTP status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Codes of possible error responses. */
  readonly errors: readonly ErrorCode[];
  /** Example command; `$NODE` stands for the address of the node. */
  readonly curl: string;
}

/** Route of the API. */
export interface Route {
  /** Method; `ANY` for all of {@link anyMethod}. */
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "ANY";
  /** Paths in hono's syntax, e.g. `/poll/:reqId`; the main path first, followed by its aliases. */
  readonly paths: readonly [string, ...string[]];
  /**
   * What the client needs: a right, on the function that the parameter `fun` or `name` of the path names. If the
   * body names the function, the handler checks it.
   */
  readonly access: Access;
  /** True if pages of other origins and host names may use the route; see `origin.ts`. */
  readonly open?: boolean;
  /** Description in the reference. */
  readonly description: Description;
  readonly handle: Handler;
}

/** Methods that `ANY` stands for. `HEAD` is processed as `GET`; the response has no body. */
export const anyMethod = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Returns the methods of a route. */
export function methodsOf(route: Pick<Route, "method">): readonly string[] {
  return route.method === "ANY" ? anyMethod : [route.method];
}

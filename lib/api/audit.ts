/**
 * Records the requests of routes.
 *
 * @module
 */

import type { Context } from "hono";
import type { Principal } from "../access/principal.ts";
import type { ErrorCode } from "../base/errors.ts";
import { KnownResponse } from "../http/server/web.ts";
import type { AuditTrail, EndedRequest } from "./audit_trail.ts";
import { codedError } from "./errors.ts";

const targetVariable = "auditTarget";

/** Names what a request is about, for the audit record, if its path does not. */
export function about(context: Context, name: string): void {
  context.set(targetVariable, name);
}

/**
 * Handles a request, and records it.
 *
 * @param trail undefined: nothing is recorded
 * @param handle handles it, and reports the client as soon as it is known
 */
export async function recorded(
  trail: AuditTrail | undefined,
  context: Context,
  { request, access, route }: Pick<EndedRequest, "request" | "access" | "route">,
  handle: (identified: (principal: Principal) => Principal) => Promise<Response>,
): Promise<Response> {
  let principal: Principal | undefined;
  const end = (status: number, code: ErrorCode | undefined) => {
    const target = context.get(targetVariable) ?? Object.values(context.req.param())[0];
    trail?.ended({ request, access, route, principal, target, status, code });
  };
  try {
    const response = await handle((found) => principal = found);
    end(response.status, response instanceof KnownResponse ? response.outgoing.error : undefined);
    return response;
  } catch (thrown) {
    const error = codedError(thrown);
    end(error.status, error.code);
    throw error;
  }
}

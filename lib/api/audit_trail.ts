/**
 * Decides which requests are in the audit record, and describes them.
 *
 * @module
 */

import type { Authenticator } from "../access/authenticator.ts";
import type { Principal } from "../access/principal.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { IncomingRequest } from "../http/server/messages.ts";
import { type AuditLog, isRefusal } from "../telemetry/audit/audit_log.ts";
import type { Route } from "./route.ts";

/** Maximum length of a recorded name. */
const maxTarget = 256;

/** What is recorded in addition to refused requests, in the order of its extent. */
export const auditExtents = ["none", "changes", "requests", "invocations"] as const;
/** One of {@link auditExtents}. */
export type AuditExtent = typeof auditExtents[number];

/** Smallest extent that has the requests of a route. */
const extentOf: Readonly<Record<Route["access"], AuditExtent | undefined>> = {
  admin: "changes",
  deploy: "changes",
  view: "requests",
  invoke: "invocations",
  anyone: undefined,
};

/** A request that has ended. */
export interface EndedRequest {
  readonly request: IncomingRequest;
  readonly access: Route["access"];
  /** Pattern of the path. */
  readonly route: string;
  /** Undefined if the client could not be authenticated. */
  readonly principal: Principal | undefined;
  readonly target: string | undefined;
  readonly status: number;
  readonly code?: ErrorCode | undefined;
}

/** Records requests. */
export class AuditTrail {
  readonly #log: AuditLog;
  readonly #access: Pick<Authenticator, "isRequired">;
  readonly #extent: AuditExtent | "";

  /**
   * Creates a trail.
   *
   * @param extent empty: `requests` if requests need a key, else `none`
   */
  constructor(
    log: AuditLog,
    access: Pick<Authenticator, "isRequired">,
    extent: AuditExtent | "",
  ) {
    this.#log = log;
    this.#access = access;
    this.#extent = extent;
  }

  /** Records a request that has ended, if it is to be. */
  ended({ request, access, route, principal, target, status, code }: EndedRequest): void {
    if (!this.wants(access, code)) return;
    const { peer, headers, client, method } = request;
    // The node at which a request of another one came in has recorded it.
    if (peer && !peer.forClient && !isRefusal(code)) return;
    const address = peer?.forClient && headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
    this.#log.add({
      name: principal?.name ?? (peer && !peer.forClient ? peer.id : "anonymous"),
      key: principal?.keyId || undefined,
      role: principal?.grant?.role,
      address: address || client,
      via: peer?.forClient ? peer.id : undefined,
      method,
      route,
      target: target?.slice(0, maxTarget),
      status,
      code,
    });
  }

  /**
   * Returns whether a request is to be recorded.
   *
   * @param code code of the error that its response reports
   */
  wants(access: Route["access"], code: ErrorCode | undefined): boolean {
    const extent = this.#extent || (this.#access.isRequired ? "requests" : "none");
    if (extent === "none") return false;
    if (code !== undefined && isRefusal(code)) return true;
    const needed = extentOf[access];
    return needed !== undefined && auditExtents.indexOf(extent) >= auditExtents.indexOf(needed);
  }
}

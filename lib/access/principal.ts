/**
 * Who makes a request, and what that client may do.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { type Grant, granteeOf } from "./key.ts";
import type { KeyMeter } from "./key_meter.ts";
import { type Action, actions, matches, permits } from "./role.ts";

/** The client of a request. */
export interface Principal {
  /** Id of its key, or of its token's subject; empty for a client without one. */
  readonly keyId: string;
  /** Name of its key or token; undefined for a client without one. */
  readonly name?: string | undefined;
  /** Rights of its key or token; undefined for a client without any. */
  readonly grant?: Grant;
  /** Names of the QoS classes that its requests may name; undefined: all. */
  readonly classes?: readonly string[] | undefined;
  /** Counts its invocations; undefined if it has no quotas. */
  readonly meter?: KeyMeter | undefined;
  /** Whether its requests may come from another client: whether it is a node, or anyone may claim to be one. */
  readonly mayForward: boolean;
  /** Returns whether it may do something, on functions of a name if one is given. */
  may(action: Action, functionName?: string): boolean;
  /**
   * Requires that it may do something.
   *
   * @throws `FORBIDDEN`, which depends on the name only and not on whether a function exists;
   *   `UNAUTHORIZED` for a client without a key
   */
  require(action: Action, functionName?: string): void;
}

/** Any client of a node that requires no keys. */
export const anyone: Principal = {
  keyId: "",
  mayForward: true,
  may: () => true,
  require: () => {},
};

const nodeActions: readonly Action[] = ["view", "invoke"];

/** Another node or balancer of the cluster. The node that received the request has authorized its client. */
export const clusterMember: Principal = {
  keyId: "",
  mayForward: true,
  may: (action) => nodeActions.includes(action),
  require(action) {
    if (nodeActions.includes(action)) return;
    throw new ServerledgeError("FORBIDDEN", `A node of the cluster may not ${action}`);
  },
};

/**
 * Creates the client without rights of a node that requires keys.
 *
 * @param isPublic whether anyone may invoke a function
 * @param refusal error for what it may not do
 * @param subject id and name of a token's subject without rights
 */
export function stranger(
  isPublic: (functionName: string) => boolean,
  refusal: () => ServerledgeError = () => unauthorized("This node requires a key"),
  subject?: { readonly id: string; readonly name: string },
): Principal {
  const may = (action: Action, functionName?: string) =>
    action === "invoke" && functionName !== undefined && isPublic(functionName);
  return {
    keyId: subject?.id ?? "",
    name: subject?.name,
    mayForward: false,
    classes: [],
    may,
    require(action, functionName) {
      if (!may(action, functionName)) throw refusal();
    },
  };
}

/**
 * Requires that a client has a right on some functions.
 *
 * @throws `UNAUTHORIZED` for a client without a key
 */
export function requireAnyRight(principal: Principal): void {
  if (!actions.some((action) => principal.may(action))) principal.require("view");
}

/** A client with rights of its own. */
export class GrantedPrincipal implements Principal {
  readonly #isPublic: (functionName: string) => boolean;
  readonly #isUnrestricted: boolean;
  readonly mayForward = false;
  readonly classes: readonly string[] | undefined;

  /**
   * Creates the principal.
   *
   * @param keyId id of its key
   * @param grant what it may do
   * @param isPublic whether anyone may invoke a function
   * @param meter counts its invocations; undefined if it has no quotas
   */
  constructor(
    readonly keyId: string,
    readonly grant: Grant,
    isPublic: (functionName: string) => boolean,
    readonly meter?: KeyMeter,
  ) {
    this.classes = grant.classes.length > 0 ? grant.classes : undefined;
    this.#isPublic = isPublic;
    this.#isUnrestricted = grant.role === "admin" || grant.functions.includes("*");
  }

  get name(): string {
    return this.grant.name;
  }

  may(action: Action, functionName?: string): boolean {
    if (permits(this.grant.role, action) && this.#covers(functionName)) return true;
    return action === "invoke" && functionName !== undefined && this.#isPublic(functionName);
  }

  require(action: Action, functionName?: string): void {
    if (this.may(action, functionName)) return;
    const { name, role, functions } = this.grant;
    const grantee = `${granteeOf(this.grant)} (role ${role}, functions ${functions.join(", ")})`;
    const what = functionName === undefined
      ? action
      : `${action} functions named "${functionName}"`;
    throw new ServerledgeError(
      "FORBIDDEN",
      `The ${grantee} may not ${what}: ask an admin for a key that may`,
      { details: { key: name, action } },
    );
  }

  #covers(functionName: string | undefined): boolean {
    return this.#isUnrestricted || functionName === undefined ||
      this.grant.functions.some((pattern) => matches(pattern, functionName));
  }
}

/** Returns the error for a request without a valid key. */
export function unauthorized(problem: string): ServerledgeError {
  return new ServerledgeError(
    "UNAUTHORIZED",
    `${problem}: send "Authorization: Bearer KEY"; with the command line, run serverledge login or set ` +
      "SERVERLEDGE_KEY",
  );
}

/**
 * The only error type of the project, and the closed table of its codes. Adapters translate errors of
 * their libraries into it by code or class, never by message text.
 *
 * @module
 */

/** Meaning of an error code for HTTP clients, offloading and the shell. */
interface CodeFacts {
  /** HTTP status of the response. */
  readonly status: number;
  /** True if the request certainly never started, so another node may run it. */
  readonly elsewhere: boolean;
  /** Exit status of a client command that ends with this error. */
  readonly exit: number;
}

const table = {
  CONFIG_INVALID: { status: 400, elsewhere: false, exit: 1 },
  INVALID_REQUEST: { status: 400, elsewhere: false, exit: 1 },
  UNAUTHORIZED: { status: 401, elsewhere: false, exit: 2 },
  FORBIDDEN: { status: 403, elsewhere: false, exit: 2 },
  ROUTE_UNKNOWN: { status: 404, elsewhere: false, exit: 2 },
  FUNCTION_UNKNOWN: { status: 404, elsewhere: false, exit: 2 },
  KEY_UNKNOWN: { status: 404, elsewhere: false, exit: 2 },
  SECRET_UNKNOWN: { status: 404, elsewhere: false, exit: 2 },
  RUNTIME_UNKNOWN: { status: 404, elsewhere: false, exit: 2 },
  RESULT_UNKNOWN: { status: 404, elsewhere: false, exit: 2 },
  METHOD_NOT_ALLOWED: { status: 405, elsewhere: false, exit: 2 },
  FUNCTION_EXISTS: { status: 409, elsewhere: false, exit: 2 },
  KEY_EXISTS: { status: 409, elsewhere: false, exit: 2 },
  SECRET_IN_USE: { status: 409, elsewhere: false, exit: 2 },
  REQUEST_REPEATED: { status: 409, elsewhere: false, exit: 2 },
  PAYLOAD_TOO_LARGE: { status: 413, elsewhere: false, exit: 2 },
  UNPROCESSABLE: { status: 422, elsewhere: false, exit: 2 },
  QUOTA_EXCEEDED: { status: 429, elsewhere: false, exit: 2 },
  NODE_SATURATED: { status: 429, elsewhere: true, exit: 2 },
  NO_SUITABLE_NODE: { status: 429, elsewhere: true, exit: 2 },
  CANCELLED: { status: 499, elsewhere: false, exit: 2 },
  FUNCTION_ERROR: { status: 500, elsewhere: false, exit: 5 },
  FUNCTION_DAMAGED: { status: 500, elsewhere: false, exit: 2 },
  INTERNAL: { status: 500, elsewhere: false, exit: 2 },
  FUNCTION_CRASHED: { status: 502, elsewhere: false, exit: 5 },
  INSTANCE_START_FAILED: { status: 502, elsewhere: true, exit: 2 },
  PEER_UNREACHABLE: { status: 502, elsewhere: true, exit: 2 },
  PEER_DECLINED: { status: 502, elsewhere: true, exit: 2 },
  ENGINE_REFUSED: { status: 502, elsewhere: true, exit: 2 },
  STORAGE_FULL: { status: 502, elsewhere: true, exit: 2 },
  ENGINE_UNAVAILABLE: { status: 503, elsewhere: true, exit: 2 },
  ISSUER_UNAVAILABLE: { status: 503, elsewhere: false, exit: 2 },
  REGISTRY_UNAVAILABLE: { status: 503, elsewhere: false, exit: 2 },
  SHUTTING_DOWN: { status: 503, elsewhere: true, exit: 2 },
  DEADLINE_EXCEEDED: { status: 504, elsewhere: false, exit: 6 },
} as const satisfies Record<string, CodeFacts>;

/** All codes of responses and of exits of the CLI. */
export type ErrorCode = keyof typeof table;

/** All codes, for schemas and documentation. */
export const errorCodes = Object.keys(table) as ErrorCode[];

/** Machine-readable details of an error, sent to clients unchanged. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * Expected failure with a code that identifies its cause and possible action.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const error = new ServerledgeError("FUNCTION_UNKNOWN", 'There is no function "hello"', {
 *   details: { path: "fun" },
 * });
 * assert(error.status === 404 && !error.elsewhere);
 * ```
 */
export class ServerledgeError extends Error {
  /** Name of the class, for logs. */
  override readonly name = "ServerledgeError";
  /** Code of the failure, from the closed table. */
  readonly code: ErrorCode;
  /** Details for clients, e.g. `{ path: "MemoryMB" }`. */
  readonly details: ErrorDetails | undefined;

  /**
   * Creates an error. It has no stack trace if another node may take the request.
   *
   * @param code code of the failure
   * @param message one line that says what failed and what to do
   * @param options error that caused this one, and details for clients
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    // A saturated node creates thousands of these errors as responses. Their stack is not used, and
    // collecting it is most of their cost.
    const { stackTraceLimit } = Error;
    if (table[code].elsewhere) Error.stackTraceLimit = 0;
    super(message, { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.details = options.details;
  }

  /** HTTP status of a response with this error. */
  get status(): number {
    return table[this.code].status;
  }

  /** True if the request certainly never started and may be sent to another node. */
  get elsewhere(): boolean {
    return table[this.code].elsewhere;
  }
}

/**
 * Returns the exit status of a client command that ends with an error of this code.
 */
export function exitStatus(code: ErrorCode): number {
  return table[code].exit;
}

/**
 * Wraps a thrown value into a {@link ServerledgeError}. A {@link ServerledgeError} is returned unchanged.
 *
 * @param thrown caught value
 * @param code code for any other value; by default `INTERNAL`, for unexpected errors
 */
export function asServerledgeError(
  thrown: unknown,
  code: ErrorCode = "INTERNAL",
): ServerledgeError {
  if (thrown instanceof ServerledgeError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ServerledgeError(code, message, { cause: thrown });
}

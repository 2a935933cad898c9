/**
 * Requests of the function to invoke others.
 *
 * @module
 */

/** Response of the node. */
export interface InvokedMessage {
  /** Number of the request. */
  readonly invoked: number;
  /** JSON of the result; undefined if there is none. */
  readonly result?: string;
  /** Why there is no result. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Error of an invoked function, or of the request to invoke it. */
class InvocationError extends Error {
  override readonly name = "InvocationError";
  /** One of the node's error codes. */
  readonly code: string;

  constructor({ code, message }: NonNullable<InvokedMessage["error"]>) {
    super(message);
    this.code = code;
  }
}

/** Sends requests, and settles them when the node responds. */
export class Invoker {
  readonly #send: (text: string) => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  /**
   * Creates an invoker without requests.
   *
   * @param send sends the JSON of a message; throws if it is too long
   */
  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /**
   * Invokes a function.
   *
   * @param call id of the call that needs the result
   * @returns the result
   */
  invoke(call: string, name: string, params: unknown): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    try {
      const invoke = ++this.#last;
      const head = JSON.stringify({ invoke, call, function: String(name) }).slice(0, -1);
      // JSON has no text for a function or undefined.
      this.#send(`${head},"params":${JSON.stringify(params) ?? "null"}}`);
      this.#waiting.set(invoke, waiting);
    } catch (error) {
      waiting.reject(error);
    }
    return waiting.promise;
  }

  /** Handles a response. */
  accept({ invoked, result, error }: InvokedMessage): void {
    const waiting = this.#waiting.get(invoked);
    this.#waiting.delete(invoked);
    if (error) return waiting?.reject(new InvocationError(error));
    try {
      waiting?.resolve(JSON.parse(result!));
    } catch {
      // Custom images may respond with any text.
      const message = "The result of the function is not JSON";
      waiting?.reject(new InvocationError({ code: "FUNCTION_ERROR", message }));
    }
  }
}

/**
 * How an exchange fails; what matters is whether the other side may have got the request.
 *
 * @module
 */

/** Surely not a byte of the request reached the other side: it may be sent elsewhere. */
export class NeverSent extends Error {
  /** The class, for logs. */
  override readonly name = "NeverSent";
}

/** The connection ended before the response did; the request may have been carried out. */
export class ConnectionBroken extends Error {
  /** The class, for logs. */
  override readonly name = "ConnectionBroken";
}

/**
 * A message is not HTTP/1, or longer than it may be; a request may have been carried out. The text goes
 * on after its subject, such as "The response".
 */
export class BadMessage extends Error {
  /** The class, for logs. */
  override readonly name: string = "BadMessage";
}

/** The body of the response is longer than was wanted. */
export class TooLong extends BadMessage {
  /** The class, for logs. */
  override readonly name = "TooLong";
}

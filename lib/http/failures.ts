/**
 * Errors of an exchange. They tell whether the server may have received the request.
 *
 * @module
 */

/** Error for a request of which no byte was sent. The request may be sent to another server. */
export class NeverSent extends Error {
  /** The class, for logs. */
  override readonly name: string = "NeverSent";
}

/**
 * Error for a server with which TLS could not be agreed on: mostly its certificate is not trusted, or it serves
 * plain HTTP. A connection that ended during the handshake is a {@link NeverSent}.
 */
export class TlsFailed extends NeverSent {
  /** The class, for logs. */
  override readonly name = "TlsFailed";
}

/** Error for a connection that ended before the message did. The server may have processed the request. */
export class ConnectionBroken extends Error {
  /** The class, for logs. */
  override readonly name = "ConnectionBroken";
}

/**
 * Error for a message that is not HTTP/1, or is too long. The server may have processed the request.
 * The text of the error is a predicate; its subject, such as "The response", is prepended.
 */
export class BadMessage extends Error {
  /** The class, for logs. */
  override readonly name: string = "BadMessage";
}

/** Error for a body that is longer than the limit. */
export class TooLong extends BadMessage {
  /** The class, for logs. */
  override readonly name = "TooLong";
}

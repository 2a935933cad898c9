/**
 * Closing of connections that may already be closed.
 *
 * @module
 */

/**
 * Closes a connection that may already be closed.
 *
 * @param conn connection; undefined is ignored
 */
export function closeQuietly(conn: Deno.Conn | undefined): void {
  try {
    conn?.close();
  } catch {
    // The connection was closed, or another connection has taken it over.
  }
}

/**
 * Closing what may be closed already.
 *
 * @module
 */

/**
 * Closes a connection that may be closed already.
 *
 * @param conn undefined is ignored
 */
export function closeQuietly(conn: Deno.Conn | undefined): void {
  try {
    conn?.close();
  } catch {
    // It was closed, or has become a part of another.
  }
}

/**
 * Request bodies that report their progress.
 *
 * @module
 */

/** Number of bytes passed to the connection at once. */
const pieceBytes = 64 << 10;

/** Receives the number of bytes sent and their total. */
export type Sent = (bytes: number, total: number) => void;

/**
 * Makes a body that counts the bytes that the connection accepts.
 *
 * @param sent called after each piece
 */
export function counted(bytes: Uint8Array, sent: Sent): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      sent(at, bytes.length);
      if (at === bytes.length) return controller.close();
      const piece = bytes.subarray(at, at + pieceBytes);
      at += piece.length;
      controller.enqueue(piece);
    },
    // A piece counts as sent once the connection requests the next one.
  }, { highWaterMark: 0 });
}

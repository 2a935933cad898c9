/**
 * Bodies whose sending can be watched.
 *
 * @module
 */

/** Bytes that are handed to the connection at once. */
const pieceBytes = 64 << 10;

/** Receives the number of bytes sent and their total. */
export type Sent = (bytes: number, total: number) => void;

/**
 * A body that counts what the connection takes of it.
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
    // A piece counts as sent when the next one is asked for.
  }, { highWaterMark: 0 });
}

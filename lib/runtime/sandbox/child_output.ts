/**
 * Reader of the output of a child process, with reused buffers.
 *
 * @module
 */

/** Source of bytes, like a connection. */
export interface ByteSource {
  /**
   * Reads the next available bytes.
   *
   * @returns number of bytes; null at the end
   */
  read(bytes: Uint8Array): Promise<number | null>;
}

/** Part of Deno's internals from which its streams of child processes read. */
interface Resources {
  /** Reads bytes and returns their number; 0 at the end. */
  read(resource: number, bytes: Uint8Array): Promise<number>;
}

/**
 * Returns the bytes of a stream that has no other reader.
 *
 * A stream of a child process wraps a resource of Deno. Reading the resource directly costs the node a third
 * less for each line and each reply. Other streams, and those of a Deno version without such a resource, are
 * read as streams.
 *
 * @param stream output of the process; it is closed at its end
 */
export function bytesOf(stream: ReadableStream<Uint8Array>): ByteSource {
  const { internal } = Deno as unknown as { internal: symbol };
  const { core } = (Deno as unknown as Record<symbol, { core?: Partial<Resources> }>)[internal]!;
  const resource = resourceOf(stream);
  if (!core?.read || resource === undefined) return new StreamSource(stream);
  const { read } = core as Resources;
  return {
    read: async (bytes) => {
      const count = await read(resource, bytes);
      if (count > 0) return count;
      await stream.cancel();
      return null;
    },
  };
}

function resourceOf(stream: ReadableStream<Uint8Array>): number | undefined {
  const key = Object.getOwnPropertySymbols(stream)
    .find(({ description }) => description === "[[resourceBackingUnrefable]]");
  const backing = key && (stream as unknown as Record<symbol, { rid?: unknown } | null>)[key];
  return typeof backing?.rid === "number" ? backing.rid : undefined;
}

/** Maximum size of a read from a stream, bytes. */
const chunkBytes = 1 << 16;

/** Source that reads any stream of bytes. The stream transfers the buffer that it reads into. */
class StreamSource implements ByteSource {
  readonly #reader: ReadableStreamBYOBReader;
  #buffer = new ArrayBuffer(chunkBytes);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader({ mode: "byob" });
  }

  async read(bytes: Uint8Array): Promise<number | null> {
    const room = Math.min(bytes.length, chunkBytes);
    const { value, done } = await this.#reader.read(new Uint8Array(this.#buffer, 0, room));
    if (done) return null;
    bytes.set(value);
    this.#buffer = value.buffer as ArrayBuffer;
    return value.length;
  }
}

/**
 * Reader of what a child process writes, with reused buffers.
 *
 * @module
 */

/** Source of bytes, like a connection. */
export interface ByteSource {
  /**
   * Reads once.
   *
   * @returns how many bytes; null at the end
   */
  read(bytes: Uint8Array): Promise<number | null>;
}

/** Part of Deno's internals by which its streams of child processes read. */
interface Resources {
  /** Reads; 0 is the end. */
  read(resource: number, bytes: Uint8Array): Promise<number>;
}

/**
 * Returns the bytes of a stream that nobody else reads.
 *
 * A stream of a child process is made of a resource of Deno's. Read without the stream, each line and each
 * reply costs the node a third less; other streams, and those of a Deno that has no such resource, are
 * read as streams.
 *
 * @param stream what the process writes; it is closed at its end
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

/** Most bytes that are read of a stream at once. */
const chunkBytes = 1 << 16;

/** Source of any stream of bytes, which transfers the buffer that it reads into. */
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

/**
 * Small files that a process keeps its memory in.
 *
 * @module
 */

/** A text that outlives its process. */
export interface TextFile {
  /** The text; undefined if there is none yet. */
  read(): string | undefined;
  /** Replaces it, whole or not at all. */
  write(text: string): void;
}

/**
 * A text in a file, which is written at once.
 *
 * @param path its absolute path
 */
export function textFile(path: string): TextFile {
  return {
    read() {
      try {
        return Deno.readTextFileSync(path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
    write(text) {
      const temporary = `${path}.new`;
      Deno.writeTextFileSync(temporary, text);
      Deno.renameSync(temporary, path);
    },
  };
}

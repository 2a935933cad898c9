/**
 * Small files that a process keeps its memory in, and what is wrong with files.
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

/** Why a file cannot be read, in words that go on after its path. */
export function fileProblem(error: unknown): string {
  const { NotADirectory, NotFound, PermissionDenied } = Deno.errors;
  if (error instanceof NotFound || error instanceof NotADirectory) return "there is no such file";
  if (error instanceof PermissionDenied) return "no permission to read it";
  return (error as Error).message;
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

/**
 * Small files with the persistent state of a process, and descriptions of file errors.
 *
 * @module
 */

/** Text that persists after its process ends. */
export interface TextFile {
  /** Returns the text; undefined if there is none yet. */
  read(): string | undefined;
  /** Replaces the text atomically. */
  write(text: string): void;
}

/** Describes why a file cannot be read, as a text that follows its path. */
export function fileProblem(error: unknown): string {
  const { NotADirectory, NotFound, PermissionDenied } = Deno.errors;
  if (error instanceof NotFound || error instanceof NotADirectory) {
    return "no such file or directory";
  }
  if (error instanceof PermissionDenied) return "permission denied";
  return (error as Error).message;
}

/** Returns true if this process can find the file or directory. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Creates a text in a file, to which each change is written synchronously.
 *
 * @param path absolute path of the file
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

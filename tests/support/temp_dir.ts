/**
 * Temporary folders that are gone after the test.
 *
 * @module
 */

/** A folder that is removed when it is disposed. */
export interface TempDir extends AsyncDisposable {
  /** Its absolute path. */
  readonly path: string;
}

/**
 * Makes a temporary folder.
 *
 * @param what part of its name, so that one left by a killed test tells whose it was
 */
export async function tempDir(what: string): Promise<TempDir> {
  const path = await Deno.makeTempDir({ prefix: `serverledge-${what}-` });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

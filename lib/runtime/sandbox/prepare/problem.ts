/**
 * Why code cannot be prepared: the user's mistake, with its place.
 *
 * @module
 */

/** A mistake in a function's code. */
export class CodeProblem extends Error {
  /** The class, for logs. */
  override readonly name = "CodeProblem";

  /**
   * @param message what is wrong and what to do
   * @param file the file, relative to the archive
   * @param line from 1
   */
  constructor(message: string, file: string, line?: number) {
    super(`${file}${line === undefined ? "" : `:${line}`}: ${message}`);
  }
}

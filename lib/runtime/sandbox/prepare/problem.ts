/**
 * Errors in users' code that prevent its preparation, with their position.
 *
 * @module
 */

/** Error in a function's code. */
export class CodeProblem extends Error {
  override readonly name = "CodeProblem";

  /**
   * Creates an error whose message begins with the file and line.
   *
   * @param message names the error and its remedy
   * @param file path in the archive
   * @param line number, from 1
   */
  constructor(message: string, file: string, line?: number) {
    super(`${file}${line === undefined ? "" : `:${line}`}: ${message}`);
  }
}

/**
 * Reports the failure of a command.
 *
 * @module
 */

import { asServerledgeError, exitStatus, type ServerledgeError } from "../../base/errors.ts";
import { indentJson } from "./indent_json.ts";
import { printable, styled } from "./style.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Writes an error for people in one line, and below it the traceback and output of a failed function.
 * With `json`, the node's response is also written to standard output.
 *
 * @param thrown the caught value
 * @param terminal outputs of the process
 * @param json true if JSON was requested
 * @returns the exit status of the error (`details.exit`), otherwise that of its code
 */
export function reportFailure(thrown: unknown, terminal: Terminal, json: boolean): number {
  const error = asServerledgeError(thrown);
  const { err, out, env } = terminal;
  const line = printable(error.message).replaceAll(/\s*\n\s*/g, " ");
  err.write(`${styled(err, "red", "serverledge:")} ${line}\n`);
  for (const key of ["traceback", "output"]) {
    const text = detail(error, key);
    if (text) err.write(`${styled(err, "bold", `${key}:`)}\n${printable(text).trimEnd()}\n`);
  }
  const answer = detail(error, "answer");
  if (json && answer) out.write(`${indentJson(answer)}\n`);
  if (env.SERVERLEDGE_DEBUG) err.write(`${stacks(error)}\n`);
  const own = error.details?.exit;
  return typeof own === "number" ? own : exitStatus(error.code);
}

/** Returns a text of an error's details, which a node's response has at its top level. */
function detail(error: ServerledgeError, key: string): string | undefined {
  const value = error.details?.[key];
  return typeof value === "string" ? value : undefined;
}

function stacks(error: unknown): string {
  const lines: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) lines.push(at.stack ?? String(at));
  return lines.join("\ncaused by ");
}

/**
 * How a command says that it failed.
 *
 * @module
 */

import { asServerledgeError, exitStatus, type ServerledgeError } from "../../base/errors.ts";
import { indentJson } from "./indent_json.ts";
import { printable, styled } from "./style.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Writes an error for people, in one line, and below it what a failed function left behind. With
 * `json`, the node's own answer goes to standard output as well.
 *
 * @param thrown what was caught
 * @param terminal where to write
 * @param json true if JSON was asked for
 * @returns the exit status: the error's own (`details.exit`), else that of its code
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

/** Text among the particulars of an error; a node's answer has them at its top. */
function detail(error: ServerledgeError, key: string): string | undefined {
  const value = error.details?.[key];
  return typeof value === "string" ? value : undefined;
}

function stacks(error: unknown): string {
  const lines: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) lines.push(at.stack ?? String(at));
  return lines.join("\ncaused by ");
}

/**
 * What a check of the machine is, and how checks run.
 *
 * @module
 */

import { withTimeout } from "../../base/async.ts";
import type { Config } from "../../config/config.ts";

/** Longest time of a check, ms; the checks themselves have shorter limits for what they ask. */
const checkTimeoutMs = 15_000;

/** Outcome of a check: `warning` if the node works with a restriction, `error` if it does not work. */
export type State = "ok" | "warning" | "error";

/** One fact that a check has found. */
export interface Finding {
  readonly state: State;
  /** One sentence with the current value. */
  readonly message: string;
  /** What to do; absent if all is well. */
  readonly fix?: string;
}

/** The node that is checked. */
export interface Subject {
  /** Its effective configuration. */
  readonly config: Config;
  /** Its data directory, which may not exist yet. */
  readonly dataDirectory: string;
}

/** One check. It changes nothing and leaves nothing behind. */
export interface Check {
  /** Short name for people and scripts. */
  readonly name: string;
  /** Checks the machine. Resolves to nothing if the check does not apply to the node. */
  run(subject: Subject): Promise<readonly Finding[]>;
}

/** A finding with the name of its check. */
export type Result = Finding & { readonly check: string };

/**
 * Runs checks at the same time. A check that fails, or takes too long, is a finding itself.
 *
 * @returns findings in the order of the checks
 */
export async function runChecks(
  checks: readonly Check[],
  subject: Subject,
  timeoutMs = checkTimeoutMs,
): Promise<Result[]> {
  const running = checks.map(async ({ name, run }) => {
    const findings = await withTimeout(run(subject), timeoutMs, () => [
      problem("error", `The check did not end within ${timeoutMs / 1000} s`),
    ]).catch((error) => [problem("error", (error as Error).message)]);
    return findings.map((finding) => ({ check: name, ...finding }));
  });
  return (await Promise.all(running)).flat();
}

/** Makes the finding that something is as it should be. */
export function fine(message: string): Finding {
  return { state: "ok", message };
}

/** Makes the finding of a problem. */
export function problem(state: "warning" | "error", message: string, fix?: string): Finding {
  return fix === undefined ? { state, message } : { state, message, fix };
}

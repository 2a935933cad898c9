/**
 * Subcommand `serverledge poll`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { awaitResult, pollPath } from "../client/await_result.ts";
import type { Answer } from "../client/client.ts";
import { type Command, defineCommand } from "../command.ts";
import { exits } from "../exits.ts";
import { type Globals, oneOf } from "../options/options.ts";
import { isPending, readableReport, readReport } from "../view/report.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import type { Terminal } from "../terminal.ts";
import { maxWaitMs, timeoutOption } from "../options/timeout.ts";
import { argumentOf, flagOf, optionOf, text } from "../options/parts.ts";

/** Fetches the result of an async invocation. */
export const poll: Command = defineCommand({
  name: "poll",
  brief: "Fetch the result of an asynchronous invocation",
  description:
    "Exit status 7 means that the invocation has not ended yet, 2 that the id is unknown.",
  examples: [
    ["serverledge poll hello-4f0c2a", "print the result, if there is one"],
    ["serverledge poll hello-4f0c2a --wait --timeout 60", "wait for it for at most one minute"],
  ],
  options: object({
    request: optionOf("--request ID", text, "Id of the invocation"),
    argument: optional(argumentOf("ID", text, "Id of the invocation")),
    wait: flagOf("--wait", "Poll until the invocation has ended"),
    timeout: timeoutOption,
  }),
  async run(options, globals, terminal) {
    const id = oneOf(options.request, options.argument, "the invocation: serverledge poll ID");
    using node = await connect(globals, terminal);
    const answer = options.wait
      ? await awaitResult(node, id, options.timeout ?? maxWaitMs, terminal)
      : await node.get(pollPath(id));
    return showResult(answer, id, globals, terminal);
  },
});

/**
 * Shows the response to a poll.
 *
 * @param id id of the invocation
 * @returns the exit status
 * @throws the failure in the response
 */
export function showResult(
  answer: Answer,
  id: string,
  globals: Globals,
  terminal: Terminal,
): number {
  if (isPending(answer)) {
    show(answer, globals, terminal, () => `${id} has not ended yet`);
    return exits.pending;
  }
  const report = readReport(answer);
  show(answer, globals, terminal, () => readableReport(report, terminal.out));
  return exits.ok;
}

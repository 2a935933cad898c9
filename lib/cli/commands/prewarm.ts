/**
 * Subcommand `serverledge prewarm`.
 *
 * @module
 */

import { quantity } from "../../base/quantity.ts";
import { merge, object } from "@optique/core/constructs";
import { integer } from "@optique/core/valueparser";
import { type Command, defineCommand } from "../command.ts";
import { functionName, functionOption } from "../options/options.ts";
import { duringCall } from "../client/pulls.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { flagOf, optionWith } from "../options/parts.ts";

/** Maximum time of a request, ms; an image may have to be pulled over a slow connection first. */
const prewarmTimeoutMs = 3_600_000;

/** Starts idle instances of a function. */
export const prewarm: Command = defineCommand({
  name: "prewarm",
  brief: "Start idle instances of a function",
  description: "Starts fewer instances if memory or CPU is short; this is not an error.",
  examples: [
    ["serverledge prewarm hello -c 4", "keep four instances ready"],
    ["serverledge prewarm hello -c 0 --force_pull", "only pull the image again"],
  ],
  options: merge(
    functionOption,
    object({
      count: optionWith(
        "-c --count N",
        (meta) => integer({ ...meta, min: 0 }),
        "Number of instances",
        1,
      ),
      forcePull: flagOf("--force_pull", "Pull the image even if it is present"),
    }),
  ),
  async run(options, globals, terminal) {
    const name = functionName(options, "prewarm");
    using node = await connect(globals, terminal);
    const body = {
      Function: name,
      Instances: options.count,
      ForceImagePull: options.forcePull ?? false,
    };
    const answer = await duringCall(
      terminal,
      node,
      () => `Pre-warming ${name}`,
      () => node.post("/prewarm", body, { timeoutMs: prewarmTimeoutMs }),
    );
    const started = (answer.json as { Prewarmed: number }).Prewarmed;
    show(
      answer,
      globals,
      terminal,
      () => `Started ${started} of ${quantity(options.count, "instance")}`,
    );
  },
});

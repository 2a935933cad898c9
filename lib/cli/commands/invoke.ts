/**
 * Subcommand `serverledge invoke`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import type { WireRequest } from "../../model/invocation.ts";
import type { JsonObject } from "../../json/json.ts";
import { awaitResult } from "../client/await_result.ts";
import { type Command, defineCommand } from "../command.ts";
import { functionName, functionOption } from "../options/options.ts";
import { readLocality } from "../options/locality.ts";
import { paramsHelp, readParams, readParamsFile } from "../options/params.ts";
import { duringCall } from "../client/pulls.ts";
import { qosClass } from "../options/qos_class.ts";
import { readableReport, readReport } from "../view/report.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { readTextFile } from "../options/text_file.ts";
import { maxWaitMs, timeoutOption } from "../options/timeout.ts";
import { showResult } from "./poll.ts";
import { decimal, file, flagOf, optionOf, optionsOf, optionWith, text } from "../options/parts.ts";

const invokeOptions = merge(
  functionOption,
  object({
    params: optionsOf("-p --param NAME:VALUE", text, "Parameter; repeatable"),
    paramsFile: optionOf(
      "-j --params_file FILE",
      file,
      "JSON file with parameters; - reads standard input; -p adds to it",
    ),
    respTime: optionWith("--resptime S", decimal, "Response-time limit, s; 0 or less: none", -1),
    qosClass: optionWith("-c --class", qosClass, "QoS class, by id or name", "0"),
    locality: optionOf(
      "--locality WHERE",
      text,
      "Where the request may be processed: any, area, node, or areas separated by commas",
    ),
    async: flagOf("-a --async", "Do not wait: print the id with which to poll for the result"),
    returnOutput: flagOf(
      "-o --return_output --ret_output",
      "Include the function's output in the report",
    ),
    wait: flagOf("--wait", "Invoke asynchronously, then poll until the invocation has ended"),
    timeout: timeoutOption,
  }),
);

/** Runs a function. */
export const invoke: Command = defineCommand({
  name: "invoke",
  brief: "Invoke a function",
  description: paramsHelp,
  examples: [
    ["serverledge invoke hello -p name:world -p times:3", "a string and a number"],
    ["serverledge invoke sum -p 'list:[1,2,3]' -o", "a list; also show the function's output"],
    ["echo '{\"n\": 5}' | serverledge invoke fib -j -", "parameters from standard input"],
    ["serverledge invoke train -a", "do not wait: poll with the printed id"],
    [
      "serverledge invoke train --wait --timeout 600",
      "wait for the result without an open connection",
    ],
  ],
  options: invokeOptions,
  async run(options, globals, terminal) {
    const name = functionName(options, "invoke");
    const request = await readRequest(options);
    using node = await connect(globals, terminal);
    const path = `/invoke/${encodeURIComponent(name)}`;
    const waitMs = options.timeout ?? maxWaitMs;
    if (request.Async) {
      const accepted = await node.post(path, request);
      const id = (accepted.json as { ReqId: string }).ReqId;
      if (options.wait) {
        const answer = await awaitResult(node, id, waitMs, terminal);
        return showResult(answer, id, globals, terminal);
      }
      return show(accepted, globals, terminal, () => id);
    }
    const answer = await duringCall(
      terminal,
      node,
      () => `Running ${name}`,
      () => node.post(path, request, { timeoutMs: waitMs }),
    );
    const report = readReport(answer);
    show(answer, globals, terminal, () => readableReport(report, terminal.out));
  },
});

/** A request to a node. */
type SentRequest = WireRequest & {
  /** Parameters by name; numbers keep their digits. */
  readonly Params: JsonObject;
};

async function readRequest(options: InferValue<typeof invokeOptions>): Promise<SentRequest> {
  const { paramsFile } = options;
  const base = paramsFile === undefined ? {} : readParamsFile(
    await readTextFile(paramsFile, "parameter file"),
    paramsFile === "-" ? "stdin" : paramsFile,
  );
  const params: JsonObject = { ...base, ...readParams(options.params) };
  return {
    Params: params,
    QoSClass: /^-?\d+$/.test(options.qosClass) ? Number(options.qosClass) : options.qosClass,
    QoSMaxRespT: options.respTime,
    Locality: readLocality(options.locality ?? "any"),
    CanDoOffloading: true,
    Async: options.async === true || options.wait === true,
    ReturnOutput: options.returnOutput ?? false,
  };
}

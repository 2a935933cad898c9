/**
 * `serverledge invoke`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { flag, option } from "@optique/core/primitives";
import { float, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import type { WireRequest } from "../../model/invocation.ts";
import type { JsonObject } from "../../json/json.ts";
import { awaitResult } from "../client/await_result.ts";
import { type Command, defineCommand } from "../command.ts";
import { exits } from "../exits.ts";
import { doc, functionName, functionOption } from "../options/options.ts";
import { localityOption } from "../options/locality.ts";
import { paramsHelp, readParams, readParamsFile } from "../options/params.ts";
import { duringCall } from "../client/pulls.ts";
import { qosClass } from "../options/qos_class.ts";
import { readableReport, readReport } from "../view/report.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { readTextFile } from "../options/text_file.ts";
import { maxWaitMs, timeoutOption } from "../options/timeout.ts";
import { showResult } from "./poll.ts";

const invokeOptions = merge(
  functionOption,
  object({
    params: multiple(
      option("-p", "--param", string({ metavar: "NAME:VALUE" }), doc("Parameter; repeat for more")),
    ),
    paramsFile: optional(
      option(
        "-j",
        "--params_file",
        path({ metavar: "FILE" }),
        doc("JSON file with the parameters; - reads standard input; -p adds to it"),
      ),
    ),
    respTime: withDefault(
      option(
        "--resptime",
        float({ metavar: "S" }),
        doc("Response-time limit, s; 0 or less: none"),
      ),
      -1,
    ),
    qosClass: withDefault(
      option("-c", "--class", qosClass, doc("QoS class, by id or name")),
      "0",
    ),
    locality: localityOption,
    async: optional(
      flag("-a", "--async", doc("Do not wait: print the id with which to poll the result")),
    ),
    returnOutput: optional(
      flag("-o", "--return_output", "--ret_output", doc("Return what the function wrote as well")),
    ),
    wait: optional(flag("--wait", doc("Invoke asynchronously, then poll until it has ended"))),
    timeout: timeoutOption,
  }),
);

/** Runs a function. */
export const invoke: Command = defineCommand({
  name: "invoke",
  brief: "Run a function",
  description: paramsHelp,
  examples: [
    ["serverledge invoke hello -p name:world -p times:3", "one text, one number"],
    ["serverledge invoke sum -p 'list:[1,2,3]' -o", "a list; show what the function printed, too"],
    ["echo '{\"n\": 5}' | serverledge invoke fib -j -", "parameters from standard input"],
    ["serverledge invoke train -a", "do not wait: poll the printed id"],
    ["serverledge invoke train --wait --timeout 600", "wait for it, but no connection is held"],
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
      show(accepted, globals, terminal, () => id);
      return exits.ok;
    }
    const answer = await duringCall(
      terminal,
      node,
      () => `Running ${name}`,
      () => node.post(path, request, { timeoutMs: waitMs }),
    );
    const report = readReport(answer);
    show(answer, globals, terminal, () => readableReport(report, terminal.out));
    return exits.ok;
  },
});

/** A request as it goes out. */
type SentRequest = WireRequest & {
  /** By name; numbers as they were written. */
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
    Locality: options.locality,
    CanDoOffloading: true,
    Async: options.async === true || options.wait === true,
    ReturnOutput: options.returnOutput ?? false,
  };
}

/**
 * The options that describe a function, shared by `create` and `update`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import type { InferValue } from "@optique/core/parser";
import { choice } from "@optique/core/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import { httpInterfaces, type WireDefinition } from "../../model/function.ts";
import { handlerHelp, runtimeIds } from "../../runtime/kinds/kinds.ts";
import { readLocality } from "./locality.ts";
import { functionOption } from "./options.ts";
import { readSignature } from "./signature.ts";
import { decimal, file, flagOf, optionOf, optionsOf, text, whole } from "./parts.ts";

/** Options of a definition; absent ones are undefined, and the node sets their defaults. */
export const definitionOptions = merge(
  functionOption,
  object({
    runtime: optionOf("--runtime ID", text, `${runtimeIds()} or another; default: python`),
    handler: optionOf("--handler NAME", text, handlerHelp()),
    src: optionOf(
      "--src PATH",
      file,
      "File, folder (its files land below its name), .tar, .tar.gz, .zip, or URL of one",
    ),
    customImage: optionOf("--custom_image IMAGE", text, "Image, for runtime custom"),
    memory: optionOf("--memory MIB", whole, "Memory of an instance, MiB; default 128"),
    cpu: optionOf("--cpu CORES", decimal, "CPU of a busy instance; 0 (default): no limit"),
    concurrency: optionOf(
      "-C --max_concurrency N",
      whole,
      "Requests that an instance may run at once; default 1",
    ),
    timeout: optionOf(
      "--timeout MS",
      whole,
      "Longest execution, ms; 0 (default): the node's default",
    ),
    env: optionsOf("--env K=V", text, "Environment variable; repeat for more"),
    network: optionOf(
      "--network",
      choice(["none", "bridge"]),
      "none (default): no network at all; bridge: other machines",
    ),
    locality: optionOf(
      "--locality WHERE",
      text,
      "Where its data may go: any (default), area, node, or areas with commas between",
    ),
    stateful: flagOf("--stateful", "Runtime wasm: keep the module's memory between calls"),
    http: optionOf(
      "--http",
      choice(httpInterfaces),
      "Runtime wasm or binary: what a command gets of a request to /fn. event: JSON; stdio: the body, and " +
        "its output is the answer; cgi (wasm): as stdio, with headers before its output",
    ),
    minInstances: optionOf("--min_instances N", whole, "Instances always kept warm; default 0"),
    inputs: optionsOf(
      "-i --input NAME:TYPE",
      text,
      "Input of the signature; repeat, or separate by commas",
    ),
    outputs: optionsOf(
      "-o --output NAME:TYPE",
      text,
      "Output of the signature; repeat, or separate by commas",
    ),
  }),
);

/** Values of the options that describe a function. */
export type DefinitionOptions = InferValue<typeof definitionOptions>;

/**
 * Returns the fields of a definition that the command line names.
 *
 * @throws `INVALID_REQUEST` for an invalid variable or signature
 */
export function namedFields(options: DefinitionOptions): Partial<WireDefinition> {
  const { inputs, outputs, env } = options;
  const fields: Partial<WireDefinition> = {
    Runtime: options.runtime,
    MemoryMB: options.memory,
    CPUDemand: options.cpu,
    MaxConcurrency: options.concurrency,
    Handler: options.handler,
    CustomImage: options.customImage,
    Signature: inputs.length + outputs.length === 0
      ? undefined
      : { Inputs: readSignature(inputs), Outputs: readSignature(outputs) },
    TimeoutMs: options.timeout,
    Env: env.length === 0 ? undefined : readEnv(env),
    Network: options.network,
    Locality: options.locality === undefined ? undefined : readLocality(options.locality),
    Stateful: options.stateful ? true : undefined,
    Http: options.http,
    MinInstances: options.minInstances,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readEnv(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(items.map((item) => {
    const equals = item.indexOf("=");
    if (equals < 1) {
      throw new ServerledgeError(
        "INVALID_REQUEST",
        `"${item}" is no environment variable: write --env NAME=VALUE`,
      );
    }
    return [item.slice(0, equals), item.slice(equals + 1)];
  }));
}

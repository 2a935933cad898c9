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
    runtime: optionOf(
      "--runtime ID",
      text,
      `${runtimeIds()} or another configured runtime; default: python`,
    ),
    handler: optionOf("--handler NAME", text, handlerHelp()),
    src: optionOf(
      "--src PATH",
      file,
      "File, directory (its files keep their paths below its name), .tar, .tar.gz, .zip, or URL of one",
    ),
    customImage: optionOf("--custom_image IMAGE", text, "Image, for the runtime custom"),
    memory: optionOf("--memory MIB", whole, "Memory of one instance, MiB; default 128"),
    cpu: optionOf("--cpu CORES", decimal, "CPU of one busy instance, cores; 0 (default): no limit"),
    concurrency: optionOf(
      "-C --max_concurrency N",
      whole,
      "Requests that one instance may run concurrently; default 1",
    ),
    timeout: optionOf(
      "--timeout MS",
      whole,
      "Execution timeout, ms; 0 (default): the node's default",
    ),
    env: optionsOf("--env K=V", text, "Environment variable; repeatable"),
    network: optionOf(
      "--network",
      choice(["none", "bridge"]),
      "none (default): no network; bridge: access to other machines",
    ),
    locality: optionOf(
      "--locality WHERE",
      text,
      "Where requests may be processed: any (default), area, node, or areas separated by commas",
    ),
    stateful: flagOf(
      "--stateful",
      "For the runtime wasm: keep the module's memory between invocations",
    ),
    http: optionOf(
      "--http",
      choice(httpInterfaces),
      "For the runtimes wasm and binary: how a command receives requests to /fn. event: as " +
        "JSON; stdio: the body on standard input, and standard output is the response body; " +
        "cgi (wasm): like stdio, but standard output starts with headers",
    ),
    public: flagOf(
      "--public",
      "Let anyone invoke the function by /invoke and /fn, even without a key",
    ),
    invokes: optionsOf(
      "--invokes NAME",
      text,
      "Function that the code may invoke with context.invoke; * stands for any characters; " +
        "repeatable, or separated by commas",
    ),
    secrets: optionsOf(
      "--secret SECRET",
      text,
      "Secret for the instances: NAME or NAME=VARIABLE as an environment variable, " +
        "NAME=/run/secrets/FILE as a file; repeatable; an empty one: none",
    ),
    minInstances: optionOf(
      "--min_instances N",
      whole,
      "Instances kept warm on each node; default 0",
    ),
    inputs: optionsOf(
      "-i --input NAME:TYPE",
      text,
      "Input of the signature; repeatable, or separated by commas",
    ),
    outputs: optionsOf(
      "-o --output NAME:TYPE",
      text,
      "Output of the signature; repeatable, or separated by commas",
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
  const { inputs, outputs, env, invokes, secrets } = options;
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
    Public: options.public ? true : undefined,
    Invokes: invokes.length === 0 ? undefined : readNames(invokes),
    Secrets: secrets.length === 0 ? undefined : readNames(secrets),
    MinInstances: options.minInstances,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Reads names separated by commas; an empty one resets the list. */
function readNames(items: readonly string[]): string[] {
  return items.flatMap((item) => item.split(",")).map((name) => name.trim())
    .filter((name) => name !== "");
}

function readEnv(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(items.map((item) => {
    const equals = item.indexOf("=");
    if (equals < 1) {
      throw new ServerledgeError(
        "INVALID_REQUEST",
        `"${item}" is not an environment variable: use --env NAME=VALUE`,
      );
    }
    return [item.slice(0, equals), item.slice(equals + 1)];
  }));
}

/**
 * The options that describe a function, shared by `create` and `update`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { flag, option } from "@optique/core/primitives";
import { choice, float, integer, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import { httpInterfaces, type WireDefinition } from "../../model/function.ts";
import { handlerHelp, runtimeIds } from "../../runtime/kinds/kinds.ts";
import { readLocality } from "./locality.ts";
import { doc, functionOption } from "./options.ts";
import { readSignature } from "./signature.ts";

/** The options; what is not named is undefined, so that its default is the node's. */
export const definitionOptions = merge(
  functionOption,
  object({
    runtime: optional(
      option(
        "--runtime",
        string({ metavar: "ID" }),
        doc(`${runtimeIds()} or another; default: python`),
      ),
    ),
    handler: optional(
      option(
        "--handler",
        string({ metavar: "NAME" }),
        doc(handlerHelp()),
      ),
    ),
    src: optional(
      option(
        "--src",
        path({ metavar: "PATH" }),
        doc("File, folder (its files land below its name), .tar, .tar.gz, .zip, or URL of one"),
      ),
    ),
    customImage: optional(
      option("--custom_image", string({ metavar: "IMAGE" }), doc("Image, for runtime custom")),
    ),
    memory: optional(
      option(
        "--memory",
        integer({ metavar: "MIB" }),
        doc("Memory of an instance, MiB; default 128"),
      ),
    ),
    cpu: optional(
      option(
        "--cpu",
        float({ metavar: "CORES" }),
        doc("CPU of a busy instance; 0 (default): no limit"),
      ),
    ),
    concurrency: optional(
      option(
        "-C",
        "--max_concurrency",
        integer({ metavar: "N" }),
        doc("Requests that an instance may run at once; default 1"),
      ),
    ),
    timeout: optional(
      option(
        "--timeout",
        integer({ metavar: "MS" }),
        doc("Longest execution, ms; 0 (default): the node's default"),
      ),
    ),
    env: multiple(
      option("--env", string({ metavar: "K=V" }), doc("Environment variable; repeat for more")),
    ),
    network: optional(
      option(
        "--network",
        choice(["none", "bridge"]),
        doc("none (default): no network at all; bridge: outbound network"),
      ),
    ),
    locality: optional(
      map(
        option(
          "--locality",
          string({ metavar: "WHERE" }),
          doc("Where its data may go: any (default), area, node, or areas with commas between"),
        ),
        readLocality,
      ),
    ),
    stateful: optional(
      flag("--stateful", doc("Runtime wasm: keep the module's memory between calls")),
    ),
    http: optional(
      option(
        "--http",
        choice(httpInterfaces),
        doc(
          "Runtime wasm or binary: what a command gets of a request to /fn. event: JSON; stdio: the body, and " +
            "its output is the answer; cgi (wasm): as stdio, with headers before its output",
        ),
      ),
    ),
    minInstances: optional(
      option(
        "--min_instances",
        integer({ metavar: "N" }),
        doc("Instances always kept warm; default 0"),
      ),
    ),
    inputs: multiple(
      option(
        "-i",
        "--input",
        string({ metavar: "NAME:TYPE" }),
        doc("Input of the signature; repeat, or separate by commas"),
      ),
    ),
    outputs: multiple(
      option(
        "-o",
        "--output",
        string({ metavar: "NAME:TYPE" }),
        doc("Output of the signature; repeat, or separate by commas"),
      ),
    ),
  }),
);

/** What the command line says of a function. */
export type DefinitionOptions = InferValue<typeof definitionOptions>;

/**
 * The fields of a definition that the command line names.
 *
 * @param options what was given
 * @throws `INVALID_REQUEST` for a variable or a signature that is none
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
    Locality: options.locality,
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

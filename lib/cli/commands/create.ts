/**
 * `serverledge create` and `serverledge update`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { flag, option } from "@optique/core/primitives";
import { choice, float, integer, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import { type Definition, httpInterfaces } from "../../model/function.ts";
import { type Command, defineCommand } from "../command.ts";
import { exits } from "../exits.ts";
import { localityOption } from "../locality_option.ts";
import { doc, functionName, functionOption, type Globals } from "../options.ts";
import { duringCall } from "../pulls.ts";
import { connect } from "../session.ts";
import { show } from "../show.ts";
import { readSignature } from "../signature.ts";
import { readSource, type Source } from "../source.ts";
import { formatBytes } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { Sent } from "../upload.ts";
import { warn } from "../warn.ts";

/** A node may have to fetch the code and to ask for the image, ms. */
const createTimeoutMs = 600_000;
/** Code of at least this size is sent with a count of its bytes. */
const watchedBytes = 1 << 20;
const noSource: Source = { base64: "", bytes: 0, warnings: [] };

const definitionOptions = merge(
  functionOption,
  object({
    runtime: withDefault(
      option(
        "--runtime",
        string({ metavar: "ID" }),
        doc("python, nodejs, custom, deno, wasm or another"),
      ),
      "python",
    ),
    handler: withDefault(
      option(
        "--handler",
        string({ metavar: "NAME" }),
        doc(
          "What to call: module.function or folder/module.function (python), file (nodejs), file or file.export (deno, wasm)",
        ),
      ),
      "",
    ),
    src: optional(
      option(
        "--src",
        path({ metavar: "PATH" }),
        doc("File, folder (its files land below its name), .tar, .zip, or URL of a TAR"),
      ),
    ),
    customImage: withDefault(
      option("--custom_image", string({ metavar: "IMAGE" }), doc("Image, for runtime custom")),
      "",
    ),
    memory: withDefault(
      option("--memory", integer({ metavar: "MIB" }), doc("Memory of an instance, MiB")),
      128,
    ),
    cpu: withDefault(
      option("--cpu", float({ metavar: "CORES" }), doc("CPU of a busy instance; 0: no limit")),
      0,
    ),
    concurrency: withDefault(
      option(
        "-C",
        "--max_concurrency",
        integer({ metavar: "N" }),
        doc("Requests that an instance may run at once"),
      ),
      1,
    ),
    timeout: withDefault(
      option(
        "--timeout",
        integer({ metavar: "MS" }),
        doc("Longest execution, ms; 0: the node's default"),
      ),
      0,
    ),
    env: multiple(
      option("--env", string({ metavar: "K=V" }), doc("Environment variable; repeat for more")),
    ),
    network: withDefault(
      option(
        "--network",
        choice(["none", "bridge"]),
        doc("none: no network at all; bridge: outbound network"),
      ),
      "none" as const,
    ),
    locality: localityOption,
    stateful: optional(
      flag("--stateful", doc("Runtime wasm: keep the module's memory between calls")),
    ),
    http: optional(
      option(
        "--http",
        choice(httpInterfaces),
        doc(
          "Runtime wasm: what a command gets of a request to /fn. event: JSON; stdio: the body, and " +
            "its output is the answer; cgi: as stdio, with headers before its output",
        ),
      ),
    ),
    minInstances: withDefault(
      option("--min_instances", integer({ metavar: "N" }), doc("Instances always kept warm")),
      0,
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

type DefinitionOptions = InferValue<typeof definitionOptions>;

/** Registers a function; with `--update` also over an existing one. */
export const create: Command = defineCommand({
  name: "create",
  brief: "Register a function",
  examples: [
    ["serverledge create hello --src hello.py --handler hello.handler", "a Python function"],
    ["serverledge create resize --runtime nodejs --src resize.zip --handler index", "Node.js"],
    ["serverledge create fib --runtime wasm --src fib.wasm --handler fib.fib", "WebAssembly"],
    ["serverledge create shrink --runtime wasm --src shrink.wasm --http stdio", "a filter for /fn"],
    ["serverledge create ocr --runtime custom --custom_image me/ocr --memory 512", "an own image"],
    ["serverledge create hello --src hello.py --handler hello.handler -u", "replace it"],
  ],
  options: merge(
    definitionOptions,
    object({ update: optional(flag("-u", "--update", doc("Replace the function if it exists"))) }),
  ),
  run: (options, globals, terminal) =>
    register(options.update ? "update" : "create", options, globals, terminal),
});

/** Registers a function or replaces it: the same as `create --update`. */
export const update: Command = defineCommand({
  name: "update",
  brief: "Register a function or replace it, the same as create --update",
  examples: [
    ["serverledge update hello --src hello.py --handler hello.handler", "new code, live at once"],
  ],
  options: definitionOptions,
  run: (options, globals, terminal) => register("update", options, globals, terminal),
});

async function register(
  action: "create" | "update",
  options: DefinitionOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<number> {
  const definition = readDefinition(functionName(options, action), options);
  const source = options.src === undefined ? noSource : await readSource(options.src);
  for (const warning of source.warnings) warn(terminal, warning);
  using node = await connect(globals, terminal);
  const size = source.bytes ? ` (${formatBytes(source.bytes)} of code)` : "";
  const body = { ...definition, TarFunctionCode: source.base64 };
  let label = `Sending ${definition.Name}${size}`;
  const sent: Sent = (bytes, total) => {
    const share = `${formatBytes(bytes)} of ${formatBytes(total)}`;
    label = bytes < total
      ? `Sending ${definition.Name}: ${share}`
      : `Registering ${definition.Name}`;
  };
  // Only where somebody sees it: otherwise the body's length is announced.
  const watched = terminal.err.isTerminal && (source.bytes ?? 0) >= watchedBytes;
  const how = { timeoutMs: createTimeoutMs, ...(watched ? { sent } : {}) };
  const answer = await duringCall(
    terminal,
    node,
    () => label,
    () => node.post(`/${action}`, body, how),
  );
  const done = action === "create" ? "Created" : "Updated";
  show(answer, globals, terminal, () => `${done} ${definition.Name}${size}`);
  return exits.ok;
}

function readDefinition(
  name: string,
  options: DefinitionOptions,
): Omit<Definition, "TarFunctionCode" | "SupportedArchs"> {
  const custom = options.runtime === "custom";
  if (custom && !options.customImage) throw usage("Runtime custom needs --custom_image IMAGE");
  if (!custom && options.src === undefined) {
    throw usage(`Runtime ${options.runtime} needs the function's code: --src PATH`);
  }
  return {
    Name: name,
    Runtime: options.runtime,
    MemoryMB: options.memory,
    CPUDemand: options.cpu,
    MaxConcurrency: options.concurrency,
    Handler: options.handler,
    CustomImage: options.customImage,
    Signature: { Inputs: readSignature(options.inputs), Outputs: readSignature(options.outputs) },
    TimeoutMs: options.timeout,
    Env: readEnv(options.env),
    Network: options.network,
    Locality: options.locality,
    ...(options.stateful ? { Stateful: true } : {}),
    ...(options.http ? { Http: options.http } : {}),
    MinInstances: options.minInstances,
  };
}

function readEnv(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(items.map((item) => {
    const equals = item.indexOf("=");
    if (equals < 1) throw usage(`"${item}" is no environment variable: write --env NAME=VALUE`);
    return [item.slice(0, equals), item.slice(equals + 1)];
  }));
}

function usage(message: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", message);
}

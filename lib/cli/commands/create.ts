/**
 * Subcommands `serverledge create` and `serverledge update`.
 *
 * @module
 */

import { merge, object } from "@optique/core/constructs";
import { ServerledgeError } from "../../base/errors.ts";
import type { Answer, NodeClient, PostOptions } from "../client/client.ts";
import { type Command, defineCommand } from "../command.ts";
import { type DefinitionOptions, definitionOptions, namedFields } from "../options/definition.ts";
import { functionName, type Globals } from "../options/options.ts";
import { duringCall } from "../client/pulls.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { readSource, type Source } from "../source/source.ts";
import { formatBytes } from "../view/table.ts";
import type { Terminal } from "../terminal.ts";
import type { Sent } from "../client/upload.ts";
import { warn } from "../view/warn.ts";
import { flagOf, optionsOf, text } from "../options/parts.ts";

/** Maximum time of a request, ms; the node may have to fetch the code and look up the image. */
const createTimeoutMs = 600_000;
/** Size of code from which the progress of its upload is shown, bytes. */
const watchedBytes = 1 << 20;
const defaultRuntime = "python";

/** Registers a function; with `--update`, replaces an existing one. */
export const create: Command = defineCommand({
  name: "create",
  brief: "Create a function",
  examples: [
    ["serverledge create hello --src hello.py --handler hello.handler", "a Python function"],
    ["serverledge create resize --runtime nodejs --src resize.zip --handler index", "Node.js"],
    ["serverledge create fib --runtime wasm --src fib.wasm --handler fib.fib", "WebAssembly"],
    ["serverledge create shrink --runtime wasm --src shrink.wasm --http stdio", "a filter for /fn"],
    ["serverledge create words --runtime binary --src fn.sh --http stdio", "a shell script"],
    [
      "serverledge create ocr --runtime custom --custom_image me/ocr --memory 512",
      "a custom image",
    ],
    ["serverledge create hello --src hello.py --handler hello.handler -u", "replace it"],
  ],
  options: merge(
    definitionOptions,
    object({ update: flagOf("-u --update", "Replace the function if it exists") }),
  ),
  run: (options, globals, terminal) =>
    register(options.update ? "update" : "create", options, globals, terminal),
});

/** Changes the named fields of a function; with `--replace`, does the same as `create --update`. */
export const update: Command = defineCommand({
  name: "update",
  brief: "Change the given fields of a function, or create it if it does not exist",
  examples: [
    ["serverledge update hello --src hello.py", "new code, live at once; the rest stays"],
    ["serverledge update hello --memory 256 --env LEVEL=debug", "more memory, one variable"],
    ["serverledge update hello --unset_env LEVEL", "delete one variable"],
    [
      "serverledge update hello --replace --src hello.py --handler hello.handler",
      "a new definition; omitted fields get their defaults",
    ],
  ],
  options: merge(
    definitionOptions,
    object({
      unsetEnv: optionsOf(
        "--unset_env NAME",
        text,
        "Delete an environment variable; repeatable",
      ),
      replace: flagOf("--replace", "Reset omitted fields to their defaults"),
    }),
  ),
  run: (options, globals, terminal) => {
    if (!options.replace) return change(options, globals, terminal);
    if (options.unsetEnv.length > 0) throw usage("--unset_env cannot be combined with --replace");
    return register("update", options, globals, terminal);
  },
});

/** Sends a whole definition. */
async function register(
  action: "create" | "update",
  options: DefinitionOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<void> {
  const body = wholeDefinition(functionName(options, action), options);
  const source = await sourceOf(options, terminal);
  return await send({
    name: body.Name,
    done: action === "create" ? "Created" : "Updated",
    source,
    globals,
    terminal,
    call: (node, how) =>
      node.post(`/${action}`, { ...body, TarFunctionCode: source?.base64 ?? "" }, how),
  });
}

/** Sends the fields that the command line names. */
async function change(
  options: DefinitionOptions & { readonly unsetEnv: readonly string[] },
  globals: Globals,
  terminal: Terminal,
): Promise<void> {
  const name = functionName(options, "update");
  const { Env, ...fields } = namedFields(options);
  const unset = Object.fromEntries(options.unsetEnv.map((variable) => [variable, null]));
  const variables = { ...unset, ...Env };
  const source = await sourceOf(options, terminal);
  const changes = {
    ...fields,
    ...(Object.keys(variables).length > 0 ? { Env: variables } : {}),
    ...(source ? { TarFunctionCode: source.base64 } : {}),
  };
  if (Object.keys(changes).length === 0) {
    throw usage("Nothing to change: give an option, such as --src or --memory (see update --help)");
  }
  const isComplete = source !== undefined || options.customImage !== undefined;
  return await send({
    name,
    done: "Updated",
    source,
    globals,
    terminal,
    call: async (node, how) => {
      try {
        return await node.patch(`/function/${encodeURIComponent(name)}`, changes, how);
      } catch (error) {
        const isUnknown = error instanceof ServerledgeError && error.code === "FUNCTION_UNKNOWN";
        if (!isUnknown || !isComplete) throw error;
        const definition = wholeDefinition(name, options);
        return await node.post(
          "/create",
          { ...definition, TarFunctionCode: source?.base64 ?? "" },
          how,
        );
      }
    },
  });
}

/** Request that is sent, and its description for people. */
interface Sending {
  readonly name: string;
  readonly done: string;
  readonly source: Source | undefined;
  readonly globals: Globals;
  readonly terminal: Terminal;
  readonly call: (node: NodeClient, how: PostOptions) => Promise<Answer>;
}

async function send({ name, done, source, globals, terminal, call }: Sending): Promise<void> {
  using node = await connect(globals, terminal);
  const size = source?.bytes ? ` (${formatBytes(source.bytes)} of code)` : "";
  let label = `Sending ${name}${size}`;
  const sent: Sent = (bytes, total) => {
    const share = `${formatBytes(bytes)} of ${formatBytes(total)}`;
    label = bytes < total ? `Sending ${name}: ${share}` : `Registering ${name}`;
  };
  // Progress is counted only for a terminal; otherwise the request has a `Content-Length`.
  const watched = terminal.err.isTerminal && (source?.bytes ?? 0) >= watchedBytes;
  const how = { timeoutMs: createTimeoutMs, ...(watched ? { sent } : {}) };
  const answer = await duringCall(terminal, node, () => label, () => call(node, how));
  show(answer, globals, terminal, () => `${done} ${name}${size}`);
}

async function sourceOf(
  { src }: DefinitionOptions,
  terminal: Terminal,
): Promise<Source | undefined> {
  if (src === undefined) return undefined;
  const source = await readSource(src);
  for (const warning of source.warnings) warn(terminal, warning);
  return source;
}

function wholeDefinition(name: string, options: DefinitionOptions) {
  const { runtime = defaultRuntime, customImage, src } = options;
  const custom = runtime === "custom";
  if (custom && !customImage) throw usage("The runtime custom needs --custom_image IMAGE");
  if (!custom && src === undefined) {
    throw usage(`The runtime ${runtime} needs the function's code: --src PATH`);
  }
  // Like the Go CLI, this sends an empty signature.
  const Signature = { Inputs: [], Outputs: [] };
  return { Name: name, Runtime: runtime, Signature, ...namedFields(options) };
}

function usage(message: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", message);
}

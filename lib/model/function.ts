/**
 * Definitions of functions, as clients send them and as nodes store them.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { handlerHelp, runtimeIds } from "../runtime/kinds/kinds.ts";
import { localitySchema } from "./locality.ts";
import { checkSecretReferences, maxSecretsOfFunction } from "./secret_reference.ts";
import { nearest } from "../base/nearest.ts";
import { foldKeys, isObject, keyIndex, parse } from "../json/json.ts";
import { QuotedText, type Text } from "../json/quoted.ts";
import { type InsideOf, wireNames } from "../json/wire_names.ts";

/** Default memory of an instance, MiB. */
const defaultMemoryMib = 128;
/** Maximum memory of an instance, MiB. */
export const maxMemoryMib = 1 << 20;
/** Maximum CPU demand of an instance, cores. */
const maxCpu = 1024;
/** Maximum time limit of an execution, ms: one day. */
export const maxTimeoutMs = 86_400_000;
/** Maximum number of environment variables of a function. */
export const maxEnv = 128;

/** Maximum number of patterns in `Invokes`. */
export const maxInvokes = 32;

/** Interfaces by which a function may receive a request over plain HTTP. */
export const httpInterfaces = ["event", "stdio", "cgi"] as const;

/** One of {@link httpInterfaces}. */
export type HttpInterface = typeof httpInterfaces[number];

const name = v.pipe(
  v.string("expected a string"),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    "expected 1 to 128 letters, digits, '.', '_' or '-', starting with a letter or digit",
  ),
  v.description("Unique name of the function"),
);

/** Schema of a pattern for names of functions: `*` stands for any characters. */
export const functionPattern = v.pipe(
  v.string("expected a string"),
  v.regex(
    /^[A-Za-z0-9._*-]{1,128}$/,
    "expected 1 to 128 letters, digits, '.', '_', '-' or '*' for any characters",
  ),
);

const integer = v.pipe(v.number("expected a number"), v.integer("expected an integer"));

const parameter = v.object({ Name: v.string(), Type: v.string() });

/** Schema of a signature: input and output types, used by workflows and stored unchanged. */
const signatureSchema = v.object({
  Inputs: v.nullish(v.array(parameter), []),
  Outputs: v.nullish(v.array(parameter), []),
});

/** Schema of the bodies of `/create` and `/update`, with the exact spelling of keys. */
export const definitionSchema = v.object({
  Name: name,
  Runtime: v.pipe(
    v.string("expected a string"),
    v.description(`Runtime id, e.g. ${runtimeIds()}`),
  ),
  MemoryMB: v.nullish(
    v.pipe(integer, v.description("Memory of one instance, MiB")),
    defaultMemoryMib,
  ),
  CPUDemand: v.nullish(
    v.pipe(
      v.number("expected a number"),
      v.description("CPU of one busy instance, cores; 0 or less: unlimited and not accounted"),
    ),
    0,
  ),
  MaxConcurrency: v.nullish(
    v.pipe(
      integer,
      v.description("Requests that one instance may run concurrently; below 1 means 1"),
    ),
    1,
  ),
  Handler: v.nullish(
    v.pipe(
      v.string("expected a string"),
      v.description(handlerHelp()),
    ),
    "",
  ),
  TarFunctionCode: v.nullish(
    v.pipe(
      v.string("expected base64 text"),
      v.description("Base64 of an archive (TAR, TAR in gzip, ZIP), or of an http(s) URL to one"),
    ),
    "",
  ),
  CustomImage: v.nullish(
    v.pipe(v.string("expected a string"), v.description("Container image, for the runtime custom")),
    "",
  ),
  SupportedArchs: v.nullish(
    v.pipe(
      v.array(v.string()),
      v.description("Architectures, set by the node: amd64, arm64 or both"),
    ),
    [],
  ),
  Signature: v.nullish(
    v.pipe(signatureSchema, v.description("Types of input and output, for workflows")),
    null,
  ),
  TimeoutMs: v.nullish(
    v.pipe(integer, v.description("Execution timeout, ms; 0: the node's default")),
    0,
  ),
  Env: v.nullish(
    v.pipe(
      v.record(v.string(), v.string("expected a string")),
      v.description("Environment variables of the instances"),
    ),
    {},
  ),
  Network: v.nullish(
    v.pipe(
      v.picklist(["none", "bridge"], 'expected "none" or "bridge"'),
      v.description("none: no network; bridge: access to other machines"),
    ),
    "none",
  ),
  Locality: v.nullish(localitySchema, "any"),
  Stateful: v.optional(
    v.pipe(
      v.boolean("expected true or false"),
      v.description("For the runtime wasm: keep the module's instance between invocations"),
    ),
  ),
  Http: v.optional(
    v.pipe(
      v.picklist(httpInterfaces, 'expected "event", "stdio" or "cgi"'),
      v.description(
        "For the runtimes wasm and binary: how a command receives requests to /fn. event: as JSON; " +
          "stdio: the body on standard input, and standard output is the response body; cgi (wasm): like " +
          "stdio, but standard output starts with response headers (RFC 3875)",
      ),
    ),
  ),
  Public: v.optional(
    v.pipe(
      v.boolean("expected true or false"),
      v.description("Anyone may invoke it, also without a key, by /invoke and /fn"),
    ),
  ),
  Invokes: v.nullish(
    v.pipe(
      v.array(functionPattern, "expected a list of names of functions"),
      v.description(
        "Functions that its code may invoke with context.invoke: names, in which * stands for any characters",
      ),
    ),
    [],
  ),
  Secrets: v.nullish(
    v.pipe(
      v.array(v.string("expected a string"), "expected a list of secrets"),
      v.description(
        "Secrets that its instances get: NAME or NAME=VARIABLE as an environment variable, " +
          "NAME=/run/secrets/FILE as a file",
      ),
    ),
    [],
  ),
  MinInstances: v.nullish(
    v.pipe(integer, v.description("Number of instances kept warm on each node")),
    0,
  ),
});

/** Schema of a stored function: the definition without its code, which is stored by hash. */
export const functionSchema = v.object({
  ...v.omit(definitionSchema, ["TarFunctionCode"]).entries,
  /** Lower-case hex SHA-256 of the TAR archive; empty when there is no code. */
  CodeHash: v.string(),
  /** Version, which changes with every create and update and identifies old instances. */
  Version: v.string(),
});

const exceptions = {
  MemoryMB: "memoryMib",
  CPUDemand: "cpu",
  SupportedArchs: "architectures",
  TarFunctionCode: "code",
} as const;
const definitionNames = wireNames(definitionSchema, exceptions);

/** Converts functions from and to the format for clients, other nodes and registries. */
export const functionNames = wireNames(functionSchema, exceptions);

/** A registered function. */
export type FunctionRecord = InsideOf<typeof functionNames>;

/** A definition in the format of clients. */
export type WireDefinition = v.InferInput<typeof definitionSchema>;

/** A validated definition with all defaults. */
export type Definition = Omit<FunctionRecord, "codeHash" | "version"> & {
  /** Base64 of an archive, or of a URL; empty: none. */
  readonly code: Text;
};

/** Schema that reads a stored function. */
export const storedFunctionSchema = v.pipe(functionSchema, v.transform(functionNames.fromWire));

const definitionKeys = keyIndex(Object.keys(definitionSchema.entries));
const signatureKeys = keyIndex(["Inputs", "Outputs"]);
const parameterKeys = keyIndex(["Name", "Type"]);

/**
 * Reads a definition from a request body.
 *
 * @param body parsed JSON, keys in any case
 * @throws `INVALID_REQUEST` for a field of the wrong type, `UNPROCESSABLE` for a value out of
 *   bounds; both name the field's path
 */
export function readDefinition(body: unknown): Definition {
  if (!isObject(body)) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      "The body must be a JSON object with the function's definition",
    );
  }
  const folded = foldKeys(body, definitionKeys);
  refuseLists(folded, ["Signature", "Env"]);
  if (isObject(folded.Signature)) folded.Signature = foldSignature(folded.Signature);
  const { TarFunctionCode } = folded;
  if (TarFunctionCode instanceof QuotedText) folded.TarFunctionCode = "";
  const definition = parse(definitionSchema, folded);
  checkBounds(definition);
  const { code, ...fields } = definitionNames.fromWire(definition);
  return {
    ...fields,
    code: TarFunctionCode instanceof QuotedText ? TarFunctionCode : code,
    cpu: Math.max(0, fields.cpu),
    maxConcurrency: Math.max(1, fields.maxConcurrency),
  };
}

/**
 * Applies changes to a function's definition as a JSON Merge Patch (RFC 7396). Absent fields stay
 * unchanged, `null` resets a field to its default, and variables of `Env` are changed one by one.
 *
 * @param changes parsed JSON, keys in any case
 * @returns the new definition; without code if the changes contain none, and the function keeps its code
 * @throws as {@link readDefinition}, and `INVALID_REQUEST` for another name and for unknown fields,
 *   since a misspelt change would be ignored silently
 */
export function patchDefinition(record: FunctionRecord, changes: unknown): Definition {
  if (!isObject(changes)) {
    throw new ServerledgeError("INVALID_REQUEST", "The body must be a JSON object with changes");
  }
  refuseUnknown(changes);
  const { CodeHash: _, Version: __, ...kept } = functionNames.toWire(record);
  const { Name = record.name, Env, ...fields } = foldKeys(changes, definitionKeys);
  if (Name !== record.name) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `Name: a function cannot be renamed; current value is ${JSON.stringify(record.name)}`,
      { details: { path: "Name" } },
    );
  }
  const merged: Record<string, unknown> = { ...kept, ...fields };
  if (isObject(Env) && !Array.isArray(Env)) {
    const variables = Object.entries({ ...record.env, ...Env });
    merged.Env = Object.fromEntries(variables.filter(([, value]) => value !== null));
  } else if (Env !== undefined) merged.Env = Env;
  return readDefinition(merged);
}

/**
 * Returns the error for a function that does not exist.
 *
 * @param path part of the request that names it, unless it is clear
 */
export function functionUnknown(name: string, path?: string): ServerledgeError {
  return new ServerledgeError("FUNCTION_UNKNOWN", `There is no function "${name}"`, {
    ...(path !== undefined && { details: { path } }),
  });
}

/**
 * Returns whether a change of a function gives its client the function's rights: it decides what the code does, what
 * it may invoke, or its secrets, or lets anyone invoke it.
 */
export function usesRights(before: FunctionRecord, after: Definition): boolean {
  const decisive = (
    { runtime, handler, customImage, env, invokes, secrets }: FunctionRecord | Definition,
  ) => JSON.stringify([runtime, handler, customImage, env, invokes, secrets]);
  const isPublished = after.public && !before.public;
  return after.code !== "" || isPublished || decisive(before) !== decisive(after);
}

/** Refuses unknown fields. A client may send back a record that it has read, with the registry's fields. */
function refuseUnknown(changes: Record<string, unknown>): void {
  const known = keyIndex(Object.keys(functionSchema.entries));
  const path = Object.keys(changes).find((key) =>
    !definitionKeys.has(key.toLowerCase()) && !known.has(key.toLowerCase())
  );
  if (path === undefined) return;
  const near = nearest(path, [...definitionKeys.values()]);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw new ServerledgeError("INVALID_REQUEST", `${path}: unknown field${hint}`, {
    details: { path },
  });
}

/** Refuses lists, which schemas accept as empty objects. */
function refuseLists(fields: Record<string, unknown>, names: readonly string[]): void {
  const path = names.find((name) => Array.isArray(fields[name]));
  if (path === undefined) return;
  throw new ServerledgeError("INVALID_REQUEST", `${path}: expected an object`, {
    details: { path },
  });
}

function foldSignature(signature: Record<string, unknown>): Record<string, unknown> {
  const folded = foldKeys(signature, signatureKeys);
  for (const side of ["Inputs", "Outputs"]) {
    const list = folded[side];
    if (Array.isArray(list)) {
      folded[side] = list.map((item) => isObject(item) ? foldKeys(item, parameterKeys) : item);
    }
  }
  return folded;
}

function checkBounds(definition: v.InferOutput<typeof definitionSchema>): void {
  range("MemoryMB", definition.MemoryMB, 1, maxMemoryMib);
  range("CPUDemand", definition.CPUDemand, -maxCpu, maxCpu);
  range("MaxConcurrency", definition.MaxConcurrency, -32768, 32767);
  range("TimeoutMs", definition.TimeoutMs, 0, maxTimeoutMs);
  range("MinInstances", definition.MinInstances, 0, 1000);
  range("Invokes", definition.Invokes.length, 0, maxInvokes);
  const names = Object.keys(definition.Env);
  range("Env", names.length, 0, maxEnv);
  range("Secrets", definition.Secrets.length, 0, maxSecretsOfFunction);
  checkSecretReferences(definition.Secrets, definition.Env);
  const bad = names.find((key) =>
    !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) || definition.Env[key]!.includes("\0")
  );
  if (bad !== undefined) {
    throw new ServerledgeError(
      "UNPROCESSABLE",
      `Env.${bad}: expected a name of letters, digits and '_' and a value without NUL`,
      {
        details: { path: `Env.${bad}` },
      },
    );
  }
}

function range(path: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return;
  throw new ServerledgeError(
    "UNPROCESSABLE",
    `${path}: expected ${low} to ${high}, current value is ${value}`,
    { details: { path } },
  );
}

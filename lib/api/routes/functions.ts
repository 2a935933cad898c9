/**
 * Routes for functions: create, update, patch, delete, list.
 *
 * @module
 */

import type { Principal } from "../../access/principal.ts";
import {
  functionNames,
  type FunctionRecord,
  readDefinition,
  usesRights,
} from "../../model/function.ts";
import { incomingRequest } from "../../http/server/web.ts";
import { about } from "../audit.ts";
import { BodyReader } from "../body.ts";
import { jsonAnswer } from "../headers.ts";
import { queryFlag } from "../query.ts";
import type { Description, Handler, Route } from "../route.ts";
import { answers, bodyOf, deletionSchema, requests } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

const tag = "Functions";
const readDeletion = bodyOf(deletionSchema);

/** Returns the routes for functions. */
export function functionRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services, "code.max");

  const save = (action: "create" | "update"): Handler => async (context, principal) => {
    const { value, held } = await bodies.reserveJson(incomingRequest(context.req.raw));
    using _ = held;
    const definition = readDefinition(value);
    about(context, definition.name);
    principal.require("deploy", definition.name);
    requireInvokes(principal, definition.invokes);
    services.secrets.requireUsable(principal, definition.name, definition.secrets);
    await services[action](definition, (bytes) => held.hold(bytes));
    return jsonAnswer({ Created: definition.name });
  };

  const patch: Handler = async (context, principal) => {
    const name = context.req.param("fun")!;
    const { value, held } = await bodies.reserveJson(incomingRequest(context.req.raw));
    using _ = held;
    await services.patch(name, value, (before, after) => {
      if (!usesRights(before, after)) return;
      requireInvokes(principal, after.invokes);
      services.secrets.requireUsable(principal, name, after.secrets);
    }, (bytes) => held.hold(bytes));
    return jsonAnswer({ Updated: name });
  };

  const remove: Handler = async (context, principal) => {
    const { name } = readDeletion(await bodies.json(incomingRequest(context.req.raw)));
    about(context, name);
    principal.require("deploy", name);
    await services.remove(name);
    return jsonAnswer({ Deleted: name });
  };

  const list: Handler = (context, principal) => {
    const functions = services.functions().filter(({ name }) => principal.may("view", name));
    const details = queryFlag(context, "details");
    return jsonAnswer(
      details
        ? functions.map((record) => functionNames.toWire(shown(record, principal)))
        : functions.map((record) => record.name),
    );
  };

  return [
    {
      method: "POST",
      paths: ["/create"],
      access: "deploy",
      description: creation,
      handle: save("create"),
    },
    {
      method: "POST",
      paths: ["/update"],
      access: "deploy",
      description: updating,
      handle: save("update"),
    },
    {
      method: "PATCH",
      paths: ["/function/:fun"],
      access: "deploy",
      description: patching,
      handle: patch,
    },
    { method: "POST", paths: ["/delete"], access: "deploy", description: deletion, handle: remove },
    {
      method: "GET",
      paths: ["/function", "/functions"],
      access: "view",
      description: listing,
      handle: list,
    },
  ];
}

/** Requires that a client may itself invoke all that a function may invoke, whose code or callers it chooses. */
function requireInvokes(principal: Principal, patterns: readonly string[]): void {
  for (const pattern of patterns) principal.require("invoke", pattern);
}

/** Returns a function for a client. Values of variables are for those who may change them. */
function shown(record: FunctionRecord, principal: Principal): FunctionRecord {
  if (principal.may("deploy", record.name)) return record;
  return { ...record, env: Object.fromEntries(Object.keys(record.env).map((key) => [key, "***"])) };
}

const sample =
  `-d '{"Name": "hello", "Runtime": "python", "MemoryMB": 128, "Handler": "hello.handler",\n` +
  `       "TarFunctionCode": "'$(tar -c hello.py | base64 -w0)'"}'`;

const creation: Description = {
  tag,
  summary: "Create a function",
  details: "Registers a new function. Keys are case-insensitive.",
  body: requests.definition,
  answers: { 200: { description: "The function was created", schema: answers.created } },
  errors: [
    "INVALID_REQUEST",
    "FORBIDDEN",
    "RUNTIME_UNKNOWN",
    "FUNCTION_EXISTS",
    "PAYLOAD_TOO_LARGE",
    "UNPROCESSABLE",
    "STORAGE_FULL",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl $NODE/create ${sample}`,
};

const updating: Description = {
  ...creation,
  summary: "Create or replace a function",
  details:
    "Like `/create`, but replaces an existing function of the same name. Instances of the old " +
    "version finish their invocations and are then removed.",
  errors: creation.errors.filter((code) => code !== "FUNCTION_EXISTS"),
  curl: `curl $NODE/update ${sample}`,
};

const patching: Description = {
  ...creation,
  summary: "Change a function",
  details:
    "Fields that are not given keep their values, including the code; `null` resets a field to its " +
    "default. Variables of `Env` are changed one by one. (JSON Merge Patch, RFC 7396.) A key that changes the " +
    "code, runtime, handler, image, variables, secrets or `Invokes`, or makes the function public, must itself have the " +
    "right to invoke all that the function may invoke, and to use its secrets.",
  body: requests.changes,
  answers: { 200: { description: "The function was changed", schema: answers.updated } },
  errors: creation.errors.flatMap((code) =>
    code === "FUNCTION_EXISTS" ? ["FUNCTION_UNKNOWN", "FUNCTION_DAMAGED"] : [code]
  ),
  curl: `curl -X PATCH $NODE/function/hello -d '{"MemoryMB": 256}'`,
};

const deletion: Description = {
  tag,
  summary: "Delete a function",
  details: "Deletes a function and its instances.",
  body: requests.deletion,
  answers: { 200: { description: "The function was deleted", schema: answers.deleted } },
  errors: [
    "INVALID_REQUEST",
    "FORBIDDEN",
    "FUNCTION_UNKNOWN",
    "PAYLOAD_TOO_LARGE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl $NODE/delete -d '{"Name": "hello"}'`,
};

const listing: Description = {
  tag,
  summary: "List functions",
  details: "Names in alphabetical order, or definitions without code if `details` is true.",
  query: [{
    name: "details",
    type: "boolean",
    description: "`true` for definitions instead of names; default `false`",
  }],
  answers: { 200: { description: "The functions", schema: answers.functions } },
  errors: ["INVALID_REQUEST", "FORBIDDEN", "REGISTRY_UNAVAILABLE", "INTERNAL"],
  curl: `curl "$NODE/function?details=true"`,
};

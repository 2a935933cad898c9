/**
 * Routes for secrets: list, set, delete, rotate.
 *
 * @module
 */

import type { Context } from "hono";
import * as v from "valibot";
import { ServerledgeError } from "../../base/errors.ts";
import { incomingRequest } from "../../http/server/web.ts";
import { secretName } from "../../model/secret_reference.ts";
import { listedSecretNames } from "../../secrets/record.ts";
import { BodyReader } from "../body.ts";
import { jsonAnswer } from "../headers.ts";
import { queryFlag } from "../query.ts";
import type { Description, Handler, Route } from "../route.ts";
import { answers, bodyOf, requests, secretChangeSchema } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

const tag = "Secrets";
const readChange = bodyOf(secretChangeSchema);

/** Returns the routes for secrets. */
export function secretRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services);
  const { secrets } = services;

  const list: Handler = async () =>
    jsonAnswer({ Secrets: (await secrets.list()).map(listedSecretNames.toWire) });

  const set: Handler = async (context) => {
    const name = nameOf(context);
    const change = readChange(await bodies.json(incomingRequest(context.req.raw)));
    await secrets.set(name, {
      value: valueOf(change),
      functions: change.functions ?? undefined,
      restart: change.restart,
    });
    return jsonAnswer({ Set: name });
  };

  const remove: Handler = async (context) => {
    const name = nameOf(context);
    await secrets.delete(name, queryFlag(context, "force"));
    return jsonAnswer({ Deleted: name });
  };

  const rotate: Handler = async () => {
    const { keyId, secrets: count } = await services.rotateSecrets();
    return jsonAnswer({ KeyId: keyId, Secrets: count });
  };

  const access = "admin";
  const path = "/secrets/:secret";
  return [
    { method: "GET", paths: ["/secrets"], access, description: listing, handle: list },
    { method: "PUT", paths: [path], access, description: setting, handle: set },
    { method: "DELETE", paths: [path], access, description: deletion, handle: remove },
    {
      method: "POST",
      paths: ["/secret-key/rotate"],
      access,
      description: rotation,
      handle: rotate,
    },
  ];
}

function nameOf(context: Context): string {
  const name = v.safeParse(secretName, context.req.param("secret"));
  if (name.success) return name.output;
  throw unprocessable(`The name of a secret: ${name.issues[0].message}`);
}

function valueOf(
  { value, base64 }: { value?: string | null | undefined; base64?: string | null | undefined },
): Uint8Array<ArrayBuffer> {
  if ((value === undefined || value === null) === (base64 === undefined || base64 === null)) {
    throw unprocessable("Value: give either Value or Base64", "Value");
  }
  return base64 ? Uint8Array.fromBase64(base64) : new TextEncoder().encode(value ?? "");
}

function unprocessable(message: string, path?: string): ServerledgeError {
  return new ServerledgeError("UNPROCESSABLE", message, path ? { details: { path } } : {});
}

const listing: Description = {
  tag,
  summary: "List secrets",
  details: "Names, times and users of all secrets. No request returns their values.",
  answers: { 200: { description: "The secrets, sorted by name", schema: answers.secrets } },
  errors: ["UNAUTHORIZED", "FORBIDDEN", "CONFIG_INVALID", "INTERNAL"],
  curl: "curl $NODE/secrets",
};

const setting: Description = {
  tag,
  summary: "Set a secret",
  details:
    "Creates a secret or changes its value. New instances have the new value; with `Restart`, instances " +
    "with the former one finish their invocations and are replaced on all nodes.",
  body: requests.secret,
  answers: { 200: { description: "The secret was set", schema: answers.secretSet } },
  errors: [
    "INVALID_REQUEST",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "CONFIG_INVALID",
    "PAYLOAD_TOO_LARGE",
    "UNPROCESSABLE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl -X PUT $NODE/secrets/DB_PASSWORD -d '{"Value": "...", "Functions": ["camera-*"]}'`,
};

const deletion: Description = {
  tag,
  summary: "Delete a secret",
  details: "New instances of functions that use it cannot start.",
  query: [{
    name: "force",
    type: "boolean",
    description: "`true` to delete it although functions use it; default `false`",
  }],
  answers: { 200: { description: "The secret was deleted", schema: answers.secretDeleted } },
  errors: [
    "INVALID_REQUEST",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "SECRET_UNKNOWN",
    "SECRET_IN_USE",
    "UNPROCESSABLE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: "curl -X DELETE $NODE/secrets/DB_PASSWORD",
};

const rotation: Description = {
  tag,
  summary: "Encrypt all secrets again",
  details:
    "Encrypts all secrets, and the logins to image registries, with the first key of `secrets.key`, which every node must have.",
  answers: { 200: { description: "The key that now encrypts all", schema: answers.secretKey } },
  errors: [
    "UNAUTHORIZED",
    "FORBIDDEN",
    "CONFIG_INVALID",
    "UNPROCESSABLE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: "curl -X POST $NODE/secret-key/rotate",
};

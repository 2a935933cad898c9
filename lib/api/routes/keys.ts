/**
 * Routes for access keys: list, create, rotate, revoke.
 *
 * @module
 */

import { checkGrant } from "../../access/grant_check.ts";
import { grantNames, grantSchema, listedKeyNames } from "../../access/key.ts";
import type { IssuedKey } from "../../access/key_service.ts";
import { incomingRequest } from "../../http/server/web.ts";
import { about } from "../audit.ts";
import { BodyReader } from "../body.ts";
import { jsonAnswer } from "../headers.ts";
import type { Description, Handler, Route } from "../route.ts";
import { answers, bodyOf, requests, revocationSchema, rotationSchema } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

const tag = "Keys";
const readGrant = bodyOf(grantSchema);
const readRotation = bodyOf(rotationSchema);
const readRevocation = bodyOf(revocationSchema);

/** Returns the routes for keys. */
export function keyRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services);
  const { keys } = services;

  const list: Handler = () =>
    jsonAnswer({
      Keys: keys.list().map(listedKeyNames.toWire),
      Unreadable: keys.damaged().map(({ id, problem }) => ({ Name: id, Problem: problem })),
    });

  const create: Handler = async (context) => {
    const grant = readGrant(await bodies.json(incomingRequest(context.req.raw)));
    about(context, grant.name);
    checkGrant(grant, services.classes);
    return jsonAnswer(issued(await keys.create(grant)));
  };

  const rotate: Handler = async (context) => {
    const body = await bodies.json(incomingRequest(context.req.raw));
    const { overlapS, force } = readRotation(body);
    return jsonAnswer(issued(await keys.rotate(context.req.param("key")!, overlapS * 1000, force)));
  };

  const revoke: Handler = async (context) => {
    const { force } = readRevocation(await bodies.json(incomingRequest(context.req.raw)));
    const name = context.req.param("key")!;
    await keys.revoke(name, force);
    return jsonAnswer({ Revoked: name });
  };

  const own: Handler = (_, { grant }) =>
    jsonAnswer({
      Required: services.access.isRequired,
      Key: grant ? grantNames.toWire(grant) : null,
    });

  const access = "admin";
  return [
    { method: "GET", paths: ["/key"], access: "anyone", description: ownKey, handle: own },
    { method: "GET", paths: ["/keys"], access, description: listing, handle: list },
    { method: "POST", paths: ["/keys"], access, description: creation, handle: create },
    { method: "POST", paths: ["/keys/:key/rotate"], access, description: rotation, handle: rotate },
    {
      method: "POST",
      paths: ["/keys/:key/revoke"],
      access,
      description: revocation,
      handle: revoke,
    },
  ];
}

function issued({ name, id, key }: IssuedKey) {
  return { Name: name, Id: id, Key: key };
}

const ownKey: Description = {
  tag,
  summary: "Rights of the key in the request",
  details:
    "`Required` says whether this node requires a key. Without a key or token in the request, `Key` is null.",
  answers: { 200: { description: "The rights", schema: answers.ownKey } },
  errors: ["UNAUTHORIZED", "FORBIDDEN", "QUOTA_EXCEEDED", "INTERNAL"],
  curl: 'curl -H "Authorization: Bearer $SERVERLEDGE_KEY" $NODE/key',
};

const listing: Description = {
  tag,
  summary: "List keys",
  details:
    "Returns all keys with their rights, without their secrets. A key whose record is unreadable is invalid and " +
    "can only be revoked.",
  answers: { 200: { description: "The keys, sorted by name", schema: answers.keys } },
  errors: ["UNAUTHORIZED", "FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/keys",
};

const creation: Description = {
  tag,
  summary: "Create a key",
  details: "The response contains the key, which cannot be shown again: the registry stores " +
    "only a hash. Once a key exists, requests need one, except to public functions.",
  body: requests.grant,
  answers: { 200: { description: "The key", schema: answers.issuedKey } },
  errors: [
    "INVALID_REQUEST",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "KEY_EXISTS",
    "PAYLOAD_TOO_LARGE",
    "UNPROCESSABLE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl $NODE/keys -d '{"Name": "camera", "Role": "invoker", "Functions": ["camera-*"]}'`,
};

const rotation: Description = {
  ...creation,
  summary: "Replace the secret of a key",
  details: "The former key stays valid for some time, so that clients can switch.",
  body: requests.rotation,
  errors: creation.errors
    .filter((code) => code !== "UNPROCESSABLE")
    .map((code) => code === "KEY_EXISTS" ? "KEY_UNKNOWN" : code),
  curl: `curl $NODE/keys/camera/rotate -d '{"OverlapS": 86400}'`,
};

const revocation: Description = {
  ...rotation,
  summary: "Revoke a key",
  details: "The key is invalid on all nodes within a second.",
  body: requests.revocation,
  answers: { 200: { description: "The key was revoked", schema: answers.revoked } },
  curl: `curl $NODE/keys/camera/revoke -d '{}'`,
};

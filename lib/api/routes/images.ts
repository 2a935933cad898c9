/**
 * Routes for the container images of a node: list, fetch, remove.
 *
 * @module
 */

import { incomingRequest } from "../../http/server/web.ts";
import { imageNames, prunedNames, pulledNames } from "../../images/status.ts";
import { BodyReader } from "../body.ts";
import { jsonAnswer } from "../headers.ts";
import type { Description, Handler, Route } from "../route.ts";
import { answers, bodyOf, pruneSchema, pullSchema, requests } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

const tag = "Images";
const readPull = bodyOf(pullSchema);
const readPrune = bodyOf(pruneSchema);

/** Returns the routes for images. */
export function imageRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services);

  const list: Handler = async () =>
    jsonAnswer({ Images: (await services.images()).map(imageNames.toWire) });

  const pull: Handler = async (context) => {
    const { images, refresh } = readPull(await bodies.json(incomingRequest(context.req.raw)));
    return jsonAnswer(pulledNames.toWire(await services.pullImages(images, { refresh })));
  };

  const prune: Handler = async (context) => {
    const options = readPrune(await bodies.json(incomingRequest(context.req.raw)));
    return jsonAnswer(prunedNames.toWire(await services.pruneImages(options)));
  };

  return [
    { method: "GET", paths: ["/images"], description: listing, handle: list },
    { method: "POST", paths: ["/images/pull"], description: pulling, handle: pull },
    { method: "POST", paths: ["/images/prune"], description: pruning, handle: prune },
  ];
}

const listing: Description = {
  tag,
  summary: "List images",
  details:
    "The container images that the node's runtimes and functions need, and those that it has " +
    "fetched or used and needs no more, with what of them is present.",
  answers: { 200: { description: "The images, by name", schema: answers.images } },
  errors: ["FORBIDDEN", "ENGINE_UNAVAILABLE", "INTERNAL"],
  curl: "curl $NODE/images",
};

const pulling: Description = {
  tag,
  summary: "Fetch images",
  details:
    "Answers when all are present; `GET /status` tells meanwhile how far it is (`Pulls`). If one " +
    "cannot be fetched the others are fetched all the same, and the error's details tell which are " +
    "missing.",
  body: requests.pull,
  answers: { 200: { description: "What was fetched", schema: answers.pulled } },
  errors: [
    "INVALID_REQUEST",
    "FORBIDDEN",
    "PAYLOAD_TOO_LARGE",
    "ENGINE_REFUSED",
    "ENGINE_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl $NODE/images/pull -d '{}'`,
};

const pruning: Description = {
  tag,
  summary: "Remove images that nothing needs",
  details:
    "Removes images that no runtime and no function needs any more: only such as this node has " +
    "fetched or its functions have used, that are still what they were then, and that no container " +
    "of this machine is made of. Never by force.",
  body: requests.prune,
  answers: {
    200: { description: "What was removed, and why the rest was not", schema: answers.pruned },
  },
  errors: [
    "INVALID_REQUEST",
    "FORBIDDEN",
    "PAYLOAD_TOO_LARGE",
    "ENGINE_REFUSED",
    "ENGINE_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl $NODE/images/prune -d '{"DryRun": true}'`,
};

/**
 * Routes for the container images of a node: list, fetch, remove.
 *
 * @module
 */

import { incomingRequest } from "../../http/server/web.ts";
import { imageNames, prunedNames, pulledNames } from "../../images/status.ts";
import { about } from "../audit.ts";
import { BodyReader } from "../body.ts";
import { jsonAnswer } from "../headers.ts";
import type { Description, Handler, Route } from "../route.ts";
import { answers, bodyOf, pruneSchema, pullSchema, requests } from "../schemas.ts";
import type { ApiServices } from "../services.ts";
import { visibleImages } from "../visible.ts";

const tag = "Images";
const readPull = bodyOf(pullSchema);
const readPrune = bodyOf(pruneSchema);

/** Returns the routes for images. */
export function imageRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services);

  const list: Handler = async (_, principal) =>
    jsonAnswer({
      Images: visibleImages(await services.images(), principal).map(imageNames.toWire),
    });

  const pull: Handler = async (context) => {
    const { images, refresh } = readPull(await bodies.json(incomingRequest(context.req.raw)));
    about(context, images.join(" "));
    return jsonAnswer(pulledNames.toWire(await services.pullImages(images, { refresh })));
  };

  const prune: Handler = async (context) => {
    const options = readPrune(await bodies.json(incomingRequest(context.req.raw)));
    return jsonAnswer(prunedNames.toWire(await services.pruneImages(options)));
  };

  return [
    { method: "GET", paths: ["/images"], access: "view", description: listing, handle: list },
    {
      method: "POST",
      paths: ["/images/pull"],
      access: "admin",
      description: pulling,
      handle: pull,
    },
    {
      method: "POST",
      paths: ["/images/prune"],
      access: "admin",
      description: pruning,
      handle: prune,
    },
  ];
}

const listing: Description = {
  tag,
  summary: "List images",
  details:
    "The container images that the node's runtimes and functions need, and images that the node " +
    "pulled or used earlier, with their state. A key with patterns gets images of runtimes and of its functions.",
  answers: { 200: { description: "The images, sorted by name", schema: answers.images } },
  errors: ["FORBIDDEN", "ENGINE_UNAVAILABLE", "INTERNAL"],
  curl: "curl $NODE/images",
};

const pulling: Description = {
  tag,
  summary: "Pull images",
  details:
    "Responds when all images are present; meanwhile, `GET /status` shows the progress (`Pulls`). If " +
    "one image cannot be pulled, the others still are, and the error's details list the missing " +
    "images.",
  body: requests.pull,
  answers: { 200: { description: "The images that were pulled", schema: answers.pulled } },
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
  summary: "Remove unused images",
  details:
    "Removes images that no runtime or function needs any more. It removes only images that this " +
    "node pulled or its functions used, that have not changed since, and that no container on this " +
    "machine uses. Removal is never forced.",
  body: requests.prune,
  answers: {
    200: {
      description: "The images that were removed, and why others were kept",
      schema: answers.pruned,
    },
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

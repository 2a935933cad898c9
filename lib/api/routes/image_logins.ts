/**
 * Routes for logins to image registries: list, log in, log out.
 *
 * @module
 */

import { incomingRequest } from "../../http/server/web.ts";
import { listedLoginNames } from "../../secrets/image_logins.ts";
import { BodyReader } from "../body.ts";
import { jsonAnswer } from "../headers.ts";
import type { Description, Handler, Route } from "../route.ts";
import { answers, bodyOf, loginSchema, requests } from "../schemas.ts";
import type { ApiServices } from "../services.ts";

const tag = "Images";
const readLogin = bodyOf(loginSchema);

/** Returns the routes for logins to image registries. */
export function imageLoginRoutes(services: ApiServices): Route[] {
  const bodies = new BodyReader(services);

  const list: Handler = () =>
    jsonAnswer({ Logins: services.imageLogins().map(listedLoginNames.toWire) });

  const logIn: Handler = async (context) => {
    const registry = context.req.param("registry")!;
    const credentials = readLogin(await bodies.json(incomingRequest(context.req.raw)));
    await services.logIn(registry, credentials);
    return jsonAnswer({ LoggedIn: registry });
  };

  const logOut: Handler = async (context) => {
    const registry = context.req.param("registry")!;
    await services.logOut(registry);
    return jsonAnswer({ LoggedOut: registry });
  };

  const access = "admin";
  const path = "/images/logins/:registry";
  return [
    { method: "GET", paths: ["/images/logins"], access, description: listing, handle: list },
    { method: "PUT", paths: [path], access, description: login, handle: logIn },
    { method: "DELETE", paths: [path], access, description: logout, handle: logOut },
  ];
}

const listing: Description = {
  tag,
  summary: "List logins to image registries",
  details: "Registries and users. No request returns the passwords.",
  answers: { 200: { description: "The logins", schema: answers.imageLogins } },
  errors: ["UNAUTHORIZED", "FORBIDDEN", "INTERNAL"],
  curl: "curl $NODE/images/logins",
};

const login: Description = {
  tag,
  summary: "Log in to an image registry",
  details:
    "Verifies the credentials with the registry, and stores them encrypted. All nodes use them to pull " +
    "images of this registry.",
  body: requests.login,
  answers: { 200: { description: "The credentials were stored", schema: answers.loggedIn } },
  errors: [
    "INVALID_REQUEST",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "CONFIG_INVALID",
    "PAYLOAD_TOO_LARGE",
    "UNPROCESSABLE",
    "ENGINE_REFUSED",
    "ENGINE_UNAVAILABLE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: `curl -X PUT $NODE/images/logins/ghcr.io -d '{"Username": "me", "Password": "..."}'`,
};

const logout: Description = {
  tag,
  summary: "Log out from an image registry",
  details: "Images that are present stay.",
  answers: { 200: { description: "The credentials were deleted", schema: answers.loggedOut } },
  errors: [
    "UNAUTHORIZED",
    "FORBIDDEN",
    "SECRET_UNKNOWN",
    "UNPROCESSABLE",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: "curl -X DELETE $NODE/images/logins/ghcr.io",
};

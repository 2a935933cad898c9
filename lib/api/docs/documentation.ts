/**
 * Routes for the reference of the API: the OpenAPI document, and a page generated from it.
 *
 * @module
 */

import type { Context } from "hono";
import type { HeaderPair } from "../../http/head.ts";
import { incomingRequest, KnownResponse } from "../../http/server/web.ts";
import { jsonAnswer } from "../headers.ts";
import type { Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

/**
 * Returns the routes for the reference of the API.
 *
 * @param routes all routes of the API, to which the caller may add the returned routes
 * @param node node that the reference describes
 */
export function documentationRoutes(
  routes: readonly Route[],
  node: ApiServices["node"],
): Route[] {
  const document = async (context: Context) => {
    const { openApiDocument } = await import("./openapi.ts");
    const { headers, isSecure } = incomingRequest(context.req.raw);
    const url = `${isSecure ? "https" : "http"}://${headers.get("host") || "localhost"}`;
    return await openApiDocument(routes, { version: node.version, url });
  };

  return [
    {
      method: "GET",
      paths: ["/openapi.json"],
      access: "anyone",
      description: {
        tag,
        summary: "API reference for programs",
        details: "This API as an OpenAPI 3.1 document.",
        answers: { 200: { description: "The OpenAPI document" } },
        errors: ["FORBIDDEN", "INTERNAL"],
        curl: "curl $NODE/openapi.json",
      },
      handle: async (context) => jsonAnswer(await document(context)),
    },
    {
      method: "GET",
      paths: ["/docs"],
      access: "anyone",
      description: {
        tag,
        summary: "API reference for people",
        details: "This API as an HTML page without scripts or external resources.",
        answers: { 200: { description: "The HTML page", mediaType: "text/html" } },
        errors: ["FORBIDDEN", "INTERNAL"],
        curl: "xdg-open $NODE/docs",
      },
      handle: async (context) => {
        const { docsPage } = await import("./page.ts");
        return new KnownResponse(docsPage(await document(context)), 200, pageHeaders);
      },
    },
  ];
}

const tag = "Reference";

const pageHeaders: readonly HeaderPair[] = [
  ["content-type", "text/html; charset=UTF-8"],
  [
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["x-content-type-options", "nosniff"],
];

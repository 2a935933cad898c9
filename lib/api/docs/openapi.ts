/**
 * OpenAPI 3.1 document of the API, generated from the routes and their schemas. The document is
 * generated, and this module loaded, only on request. Other nodes have no cost for it.
 *
 * @module
 */

import { Hono } from "hono";
import { describeRoute, type DescribeRouteOptions, generateSpecs, resolver } from "hono-openapi";
import type * as v from "valibot";
import { type ErrorCode, ServerledgeError } from "../../base/errors.ts";
import { isObject } from "../../json/json.ts";
import { type Description, methodsOf, type Route } from "../route.ts";
import { answers as named } from "../schemas.ts";

/** Information about the node in the document. */
export interface ApiInfo {
  /** Version of the program. */
  readonly version: string;
  /** URL of the node for the reader, e.g. `http://127.0.0.1:1323`. */
  readonly url: string;
}

/** OpenAPI document. */
export type OpenApiDocument = Awaited<ReturnType<typeof generateSpecs>>;

/**
 * Generates the document.
 *
 * @param routes routes to describe
 * @param info information about the node
 */
export async function openApiDocument(
  routes: readonly Route[],
  info: ApiInfo,
): Promise<OpenApiDocument> {
  // A separate app contains the descriptions, since each description is a middleware.
  const described = new Hono();
  for (const route of routes) {
    const description = describeRoute(operation(route, info));
    for (const method of methodsOf(route)) described.on(method, [...route.paths], description);
  }
  const document = await generateSpecs(described, {
    excludeStaticFile: false,
    documentation: {
      info: {
        title: "Serverledge",
        version: info.version,
        description:
          "HTTP API of a Serverledge node. Keys of request bodies are case-insensitive. Times are in " +
          `seconds and memory is in MiB unless the name says otherwise.\n\n${protocolAnswers}`,
      },
      servers: [{ url: info.url }],
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    },
  });
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
    dropDefaults(schema, name === changesName ? () => true : isStructured);
  }
  return document;
}

/** Description of responses that the server sends before it routes a request. */
const protocolAnswers =
  "A request that violates HTTP gets a response with `code` and `message`, and its connection is " +
  "closed: 400 (malformed head), 408 (not received in time), 414 (URL too long), 417 (an " +
  "expectation other than `100-continue`), 431 (too many or too long headers), 501 (a transfer " +
  "coding other than `chunked`) or 505 (neither HTTP/1 nor HTTP/2).";

/** Schema without defaults, since a change of a function keeps the fields that it omits. */
const changesName = "FunctionChanges";

/** Returns whether a default is an object or a list. Generators of clients omit fields with such defaults. */
function isStructured(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function dropDefaults(schema: unknown, drops: (value: unknown) => boolean): void {
  if (Array.isArray(schema)) { for (const one of schema) dropDefaults(one, drops); }
  else if (isObject(schema)) {
    if ("default" in schema && drops(schema.default)) delete schema.default;
    for (const part of Object.values(schema)) dropDefaults(part, drops);
  }
}

function operation({ description }: Route, info: ApiInfo): DescribeRouteOptions {
  const { tag, summary, details, body, query, curl } = description;
  const options = {
    tags: [tag],
    summary,
    description: details,
    responses: { ...goodAnswers(description), ...badAnswers(errorsOf(description)) },
    // Without keys, for public functions, and on routes for anyone, none is needed.
    security: keyOrNone,
    parameters: query?.map(({ name, description, type, range }) => ({
      in: "query" as const,
      name,
      description,
      // `?follow` means true.
      ...(type === "boolean" && { allowEmptyValue: true }),
      schema: range ? { type, minimum: range.min, maximum: range.max } : { type },
    })),
    requestBody: body && { required: !description.bodyIsOptional, content: json(body, "input") },
    // Extension that most renderers of OpenAPI documents support.
    "x-codeSamples": [{ lang: "Shell", source: curl.replaceAll("$NODE", info.url) }],
  };
  return options;
}

const keyOrNone: Record<string, string[]>[] = [{ key: [] }, {}];

/** Returns the codes of a route, with those for invalid keys, which every route refuses, and missing rights. */
function errorsOf({ errors }: Description): readonly ErrorCode[] {
  return [
    ...new Set<ErrorCode>([
      ...errors,
      "UNAUTHORIZED",
      "FORBIDDEN",
      "QUOTA_EXCEEDED",
      "ISSUER_UNAVAILABLE",
    ]),
  ];
}

function goodAnswers({ answers }: Description): DescribeRouteOptions["responses"] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, mediaType }]) => [status, {
      description,
      content: schema ? json(schema, "output") : { [mediaType ?? "application/json"]: {} },
    }]),
  );
}

function badAnswers(errors: readonly ErrorCode[]): DescribeRouteOptions["responses"] {
  const codes = Map.groupBy(errors, (code) => new ServerledgeError(code, "").status);
  return Object.fromEntries(
    [...codes].map(([status, codes]) => [status, {
      description: codes.join(", "),
      content: json(named.error, "output"),
    }]),
  );
}

function json(schema: v.GenericSchema, typeMode: "input" | "output") {
  const options = {
    typeMode,
    // The only custom check of the models is "is a JSON object", which JSON Schema can express.
    overrideSchema: ({ valibotSchema }: { valibotSchema: { type: string } }) =>
      valibotSchema.type === "custom"
        ? { type: "object" as const, additionalProperties: true }
        : undefined,
  };
  return { "application/json": { schema: resolver(schema, { options }) } };
}

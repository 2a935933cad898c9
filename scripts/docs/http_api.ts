/**
 * The reference of the HTTP API, made from its OpenAPI document.
 *
 * @module
 */

import { apiRoutes } from "../../lib/api/app.ts";
import {
  chaptersOf,
  type Content,
  type Entry,
  meaning,
  type Schema,
  schemasOf,
  typeOf,
} from "../../lib/api/docs/chapters.ts";
import { openApiDocument } from "../../lib/api/docs/openapi.ts";
import { version } from "../../lib/base/version.ts";
import { fakeServices } from "../../tests/support/fakes/fake_services.ts";
import { block, code, stack, table } from "./markdown.ts";

/** The page. */
export async function httpApiPage(): Promise<string> {
  const url = "http://127.0.0.1:1323";
  const document = await openApiDocument(apiRoutes(fakeServices()), { version, url });
  return stack(
    "# HTTP API",
    document.info.description!,
    "A running node serves the same reference as a page at `/docs` and as an OpenAPI 3.1 document, from which clients can be generated, at `/openapi.json`. " +
      "[Errors](errors.md) lists the codes.",
    ...[...chaptersOf(document)].map(([tag, entries]) =>
      stack(`## ${tag}`, ...entries.map(operation))
    ),
    "## Bodies",
    ...Object.entries(schemasOf(document)).map(([name, schema]) => body(name, schema)),
  );
}

function operation({ methods, path, otherPaths, operation }: Entry): string {
  const { summary = "", description = "", parameters = [], requestBody, responses = {} } =
    operation;
  const query = parameters.filter((parameter) => parameter.in === "query");
  return stack(
    `### ${summary}`,
    `\`${methods.length > 1 ? "ANY" : methods[0]} ${path}\`` +
      (otherPaths.length > 0 ? `, also ${otherPaths.map(code).join(", ")}` : "") +
      (methods.length > 1 ? `: ${[...methods, "HEAD"].join(", ")}` : ""),
    description,
    ...(operation["x-codeSamples"] ?? []).map(({ source }) => block(source, "sh")),
    query.length > 0
      ? table(
        ["query", "type", "meaning"],
        query.map((
          { name, schema = {}, description = "" },
        ) => [code(name), inWords(schema), description]),
      )
      : "",
    requestBody ? `Body: ${contentType(requestBody.content)}` : "",
    table(
      ["status", "when", "body"],
      Object.entries(responses).map(([status, { description, content = {} }]) => [
        status,
        description,
        contentType(content),
      ]),
    ),
  );
}

function contentType(content: Content): string {
  return Object.entries(content).map(([type, { schema }]) => schema ? inWords(schema) : code(type))
    .join(" or ");
}

function body(name: string, schema: Schema): string {
  const { properties, required = [] } = schema;
  return stack(
    `### ${name}`,
    properties
      ? table(
        ["field", "type", "meaning", "default"],
        Object.entries(properties).map(([field, of]) => [
          code(field),
          inWords(of),
          meaning(of),
          required.includes(field) ? "" : fallback(of),
        ]),
      )
      : inWords(schema),
  );
}

function fallback({ default: value }: Schema): string {
  return value === undefined || value === null ? "optional" : code(JSON.stringify(value));
}

function inWords(schema: Schema): string {
  return typeOf(schema).map((part) => {
    if (typeof part === "string") return part;
    return "code" in part ? code(part.code) : `[${part.schema}](#${part.schema.toLowerCase()})`;
  }).join("");
}

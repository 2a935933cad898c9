/**
 * Page with the reference of the API, generated from the OpenAPI document. It is plain HTML without
 * scripts or external resources, since an edge device may have no internet access.
 *
 * @module
 */

// Renamed, since `deno fmt` inserts white space into templates with the tag `html`.
import { html as markup, raw } from "hono/html";
import { docsStyle } from "./style.ts";
import {
  chaptersOf,
  type Content,
  type Entry,
  meaning,
  type Operation,
  type Schema,
  schemasOf,
  typeOf,
} from "./chapters.ts";
import type { OpenApiDocument } from "./openapi.ts";

/** HTML in which all inserted values are escaped. */
type Markup = ReturnType<typeof markup>;

/**
 * Renders the page.
 *
 * @param document OpenAPI document
 * @returns HTML
 */
export function docsPage(document: OpenApiDocument): string {
  const chapters = chaptersOf(document);
  const { title, version, description } = document.info;
  const page = markup`<!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title} API</title>
        <style>
        ${raw(docsStyle)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title} API <small>${version}</small></h1>
          <p>${description}</p>
          <p>
            This node: <code>${document.servers?.[0]?.url ?? ""}</code>. For programs:
            <a href="/openapi.json">openapi.json</a>.
          </p>
        </header>
        <nav>${[...chapters].map(([tag, list]) => contents(tag, list))}</nav>
        <main>
          ${[...chapters].map(([tag, list]) => chapter(tag, list))}
          <section>
            <h2>Bodies</h2>
            ${Object.entries(schemasOf(document)).map(([name, schema]) => body(name, schema))}
          </section>
        </main>
      </body>
    </html>`;
  return String(page);
}

function contents(tag: string, list: readonly Entry[]): Markup {
  const items = list.map(({ id, methods, path }) =>
    markup`<li><a href="#${id}">${badges(methods)} ${path}</a></li>`
  );
  return markup`<div><strong>${tag}</strong><ul>${items}</ul></div>`;
}

function badges(methods: readonly string[]): Markup {
  const [first = "", ...others] = methods;
  return markup`<b class="verb ${first.toLowerCase()}">${others.length > 0 ? "ANY" : first}</b>`;
}

function chapter(tag: string, list: readonly Entry[]): Markup {
  return markup`<section><h2>${tag}</h2>${list.map(article)}</section>`;
}

function article({ id, methods, path, otherPaths, operation }: Entry): Markup {
  const { summary, description, parameters = [], requestBody, responses = {} } = operation;
  const samples = operation["x-codeSamples"] ?? [];
  const query = parameters.filter((parameter) => parameter.in === "query");
  return markup`
    <article id="${id}">
      <h3>${badges(methods)} <code>${path}</code> <a href="#${id}">${summary ?? ""}</a></h3>
      <p>${prose(description ?? "")}</p>
      ${line("Also", otherPaths)}
      ${line("Verbs", methods.length > 1 ? [...methods, "HEAD"] : [])}
      ${samples.map(({ source }) => markup`<pre>${source}</pre>`)}
      ${parameterTable(query)}
      ${requestBody ? markup`<p>Body: ${contentType(requestBody.content)}</p>` : ""}
      <table class="answers">
        <thead><tr><th>Status</th><th>When</th><th>Body</th></tr></thead>
        <tbody>${Object.entries(responses).map(answer)}</tbody>
      </table>
    </article>
  `;
}

function line(title: string, values: readonly string[]): Markup {
  if (values.length === 0) return markup``;
  return markup`<p>${title}: <code>${values.join(", ")}</code></p>`;
}

function parameterTable(parameters: NonNullable<Operation["parameters"]>): Markup {
  if (parameters.length === 0) return markup``;
  const rows = parameters.map(({ name, description = "", schema = {} }) =>
    tableRow(markup`<code>${name}</code>`, typeMarkup(schema), prose(description))
  );
  return markup`
    <table>
      <thead><tr><th>Query</th><th>Type</th><th>Meaning</th></tr></thead>
      <tbody>${rows}</tbody>
    </table>
  `;
}

function answer(
  [status, { description, content = {} }]: [string, { description: string; content?: Content }],
): Markup {
  return tableRow(markup`${status}`, prose(description), contentType(content));
}

function tableRow(...cells: Markup[]): Markup {
  return markup`<tr>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`;
}

function contentType(content: Content): Markup {
  return markup`${
    Object.entries(content).map(([type, { schema }]) => schema ? typeMarkup(schema) : type)
  }`;
}

function body(name: string, schema: Schema): Markup {
  const fields = Object.entries(schema.properties ?? {});
  const rows = fields.map(([field, of]) => fieldRow(field, of, schema.required ?? []));
  const table = markup`
    <table>
      <thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead>
      <tbody>${rows}</tbody>
    </table>
  `;
  return markup`
    <article id="body-${name}">
      <h3>${name}</h3>
      ${schema.properties ? table : markup`<p>${typeMarkup(schema)}</p>`}
    </article>
  `;
}

function fieldRow(field: string, schema: Schema, required: readonly string[]): Markup {
  return tableRow(
    markup`<code>${field}</code>`,
    typeMarkup(schema),
    markup`${prose(meaning(schema))} ${required.includes(field) ? "" : fallback(schema)}`,
  );
}

function fallback({ default: value }: Schema): Markup {
  if (value === undefined || value === null) return markup`<i>optional</i>`;
  return markup`<i>default</i> <code>${JSON.stringify(value)}</code>`;
}

function typeMarkup(schema: Schema): Markup {
  const parts = typeOf(schema).map((part) => {
    if (typeof part === "string") return part;
    if ("code" in part) return markup`<code>${part.code}</code>`;
    return markup`<a href="#body-${part.schema}">${part.schema}</a>`;
  });
  return markup`${parts}`;
}

/** Renders text; parts between backticks become code. */
function prose(text: string): Markup {
  return markup`${
    text.split("`").map((part, at) => at % 2 === 1 ? markup`<code>${part}</code>` : part)
  }`;
}

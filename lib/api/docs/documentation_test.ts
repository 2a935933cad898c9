import assert from "node:assert/strict";
import { fakeServices } from "../../../tests/support/fakes/fake_services.ts";
import { apiRoutes, createApp } from "../app.ts";
import { docsPage } from "./page.ts";
import type { OpenApiDocument } from "./openapi.ts";

const methods = ["get", "post", "put", "patch", "delete"] as const;

async function load(path: string): Promise<Response> {
  return await createApp(fakeServices()).request(`http://localhost:1323${path}`);
}

async function document(): Promise<OpenApiDocument> {
  return await (await load("/openapi.json")).json();
}

Deno.test("openApiDocument: contains every route", async () => {
  const { openapi, paths } = await document();
  assert.match(openapi, /^3\.1\./);
  for (const route of apiRoutes(fakeServices())) {
    for (const path of route.paths) {
      const described = paths[path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}")];
      assert.ok(described, path);
      const verbs = route.method === "ANY" ? methods : [route.method.toLowerCase() as "get"];
      for (const verb of verbs) {
        assert.equal(described[verb]?.summary, route.description.summary, `${verb} ${path}`);
      }
    }
  }
});

Deno.test("openApiDocument: lists the statuses of requests that violate HTTP", async () => {
  const { info } = await document();
  for (const status of [400, 408, 414, 417, 431, 501, 505]) {
    assert.match(info.description!, new RegExp(`\\b${status} \\(`));
  }
});

Deno.test("openApiDocument: every route lists the refusals of an invalid key", async () => {
  for (const [path, item] of Object.entries((await document()).paths)) {
    for (const method of methods) {
      const responses = item[method]?.responses;
      if (!responses) continue;
      assert.ok("401" in responses, path);
      assert.match(JSON.stringify(responses["429"] ?? {}), /QUOTA_EXCEEDED/, path);
    }
  }
});

Deno.test("openApiDocument: every operation has a unique id, path parameters and responses", async () => {
  const ids = new Set<string>();
  for (const [path, item] of Object.entries((await document()).paths)) {
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      assert.ok(!ids.has(operation.operationId!), operation.operationId);
      ids.add(operation.operationId!);
      const declared = (operation.parameters ?? []).flatMap((parameter) =>
        "in" in parameter && parameter.in === "path" ? [parameter.name] : []
      );
      assert.deepEqual(declared, [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]), path);
      assert.ok(Object.keys(operation.responses ?? {}).includes("200"), path);
    }
  }
});

Deno.test("openApiDocument: every reference to a schema resolves, every schema is used", async () => {
  const whole = await document();
  const schemas = whole.components.schemas ?? {};
  const references = JSON.stringify(whole).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
  const named = new Set([...references].map(([, name]) => name!));
  assert.deepEqual([...named].sort(), Object.keys(schemas).sort());
  const { InvokeRequest, Report } = schemas as Record<string, { properties: object }>;
  assert.deepEqual(Object.keys(InvokeRequest!.properties), [
    "Params",
    "QoSClass",
    "QoSMaxRespT",
    "Locality",
    "CanDoOffloading",
    "Async",
    "ReturnOutput",
  ]);
  assert.ok(Object.keys(Report!.properties).includes("ExecutionNode"));
  assert.deepEqual(
    (InvokeRequest!.properties as { Params: { anyOf: object[] } }).Params.anyOf[0],
    {
      type: "object",
      additionalProperties: true,
      description: "Parameters of the function, passed unchanged",
    },
  );
});

Deno.test("openApiDocument: has no objects or lists as defaults, and no defaults of changes", async () => {
  const { components } = await document();
  const defaults = (value: unknown): unknown[] => {
    if (typeof value !== "object" || value === null) return [];
    const own = "default" in value ? [value.default] : [];
    return [...own, ...Object.values(value).flatMap(defaults)];
  };
  const structured = defaults(components).filter((one) => typeof one === "object" && one !== null);
  assert.deepEqual(structured, []);
  assert.deepEqual(defaults(components.schemas!.FunctionChanges), []);
  assert.notDeepEqual(defaults(components.schemas!.Function), []);
});

Deno.test("docsPage: shows every path and has no external resources", async () => {
  const answer = await load("/docs");
  assert.equal(answer.headers.get("content-type"), "text/html; charset=UTF-8");
  assert.match(answer.headers.get("content-security-policy")!, /default-src 'none'/);
  const page = await answer.text();
  for (const path of Object.keys((await document()).paths)) assert.ok(page.includes(path), path);
  assert.doesNotMatch(page, /<script|<link|<img|@import|url\(/);
  assert.ok(page.includes("With <code>Async</code> the response"));
  assert.ok(page.includes("curl http://localhost:1323/invoke/hello"));
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
  assert.equal(new Set(ids).size, ids.length);
  for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) {
    assert.ok(ids.includes(target!), target);
  }
});

Deno.test("docsPage: escapes all values", () => {
  const evil = `<script>alert("x" & 'y')</script>`;
  const schema = { type: evil, description: evil, default: evil };
  const page = docsPage(
    {
      openapi: "3.1.0",
      info: { title: evil, version: evil, description: evil },
      servers: [{ url: evil }],
      paths: {
        [evil]: {
          get: {
            tags: [evil],
            summary: evil,
            description: `\`${evil}\``,
            parameters: [{ name: evil, in: "query", description: evil, schema }],
            requestBody: { content: { [evil]: { schema: { properties: { [evil]: schema } } } } },
            responses: { [evil]: { description: evil, content: { [evil]: {} } } },
            "x-codeSamples": [{ source: evil }],
          },
        },
      },
      components: {
        schemas: {
          [evil]: {
            properties: {
              [evil]: schema,
              b: { enum: [evil] },
              c: { const: evil },
              d: { $ref: evil },
            },
          },
        },
      },
      // The type of the document excludes such types, but the page must not rely on it.
    } as unknown as OpenApiDocument,
  );
  assert.doesNotMatch(page, /<script|alert\("/);
  assert.ok(page.includes("&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)"));
});

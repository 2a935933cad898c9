/**
 * Content of an OpenAPI document for readers: operations by chapter, each once, and types in words.
 *
 * @module
 */

import type { OpenApiDocument } from "./openapi.ts";

/** Parts of a JSON Schema that a reference shows. */
export type Schema = {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
};

/** Schemas of a body by media type. */
export type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

/** Parts of an operation that a reference shows. */
export type Operation = {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses?: Readonly<
    Record<string, { readonly description: string; readonly content?: Content }>
  >;
  readonly "x-codeSamples"?: readonly { readonly source: string }[];
};

/** Entry for operations that differ only in their method, or in an alias of their path. */
export interface Entry {
  /** Anchor of the entry. */
  readonly id: string;
  /** Methods in capitals. */
  readonly methods: readonly string[];
  /** Main path. */
  readonly path: string;
  /** Aliases of the main path. */
  readonly otherPaths: readonly string[];
  /** Description in the document. */
  readonly operation: Operation;
}

/** Part of a type in words: text, code, or the name of a schema. */
export type TypePart = string | { readonly code: string } | { readonly schema: string };

/**
 * Returns the operations of a document by the title of their chapter.
 *
 * @param document OpenAPI document
 */
export function chaptersOf({ paths }: OpenApiDocument): ReadonlyMap<string, readonly Entry[]> {
  return Map.groupBy(
    entries(paths as Record<string, Record<string, Operation>>),
    ({ operation }) => operation.tags?.[0] ?? "",
  );
}

/** Returns the schemas of a document by name. */
export function schemasOf({ components }: OpenApiDocument): Readonly<Record<string, Schema>> {
  return (components.schemas ?? {}) as Record<string, Schema>;
}

/** Returns the description of a field. That of an optional field is one level deeper, next to `null`. */
export function meaning({ description, anyOf = [] }: Schema): string {
  return description ?? anyOf.map((option) => option.description).find((text) => text) ?? "";
}

/** Returns a type in words. */
export function typeOf(schema: Schema): readonly TypePart[] {
  const { $ref, type, items, anyOf, properties, additionalProperties } = schema;
  if ($ref) return [{ schema: $ref.slice($ref.lastIndexOf("/") + 1) }];
  if ("const" in schema) return [{ code: JSON.stringify(schema.const) }];
  if (schema.enum) return alternatives(schema.enum.map((one) => [{ code: String(one) }]));
  if (anyOf) return alternatives(anyOf.filter((one) => one.type !== "null").map(typeOf));
  if (items) return ["list of ", ...typeOf(items)];
  if (properties) return [`{ ${Object.keys(properties).join(", ")} }`];
  if (typeof additionalProperties === "object" && additionalProperties.type) {
    return ["object of ", ...typeOf(additionalProperties)];
  }
  return [type ?? "any"];
}

function alternatives(options: readonly (readonly TypePart[])[]): TypePart[] {
  return options.flatMap((option, at) => at === 0 ? option : [" or ", ...option]);
}

function entries(paths: Record<string, Record<string, Operation>>): Entry[] {
  const all = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation }))
  );
  const bySummary = Map.groupBy(all, ({ operation }) => operation.summary);
  return [...bySummary.values()].map((same) => {
    const { operation } = same[0]!;
    const methods = [...new Set(same.map(({ method }) => method.toUpperCase()))];
    const [path = "", ...otherPaths] = new Set(same.map(({ path }) => path));
    const id = `${methods[0]}${path}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    return { id, methods, path, otherPaths, operation };
  });
}

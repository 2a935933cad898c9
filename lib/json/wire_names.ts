/**
 * Names of fields inside and on the wire: clients, other nodes and registries know a record by the
 * names of the Go node (`Name`, `MemoryMB`); inside, records are camelCase with units (`name`,
 * `memoryMib`). A field is named by its name on the wire with a small first letter, unless a table of
 * exceptions has another.
 *
 * @module
 */

import type * as v from "valibot";

/** Names inside of fields at any depth, by their names on the wire, where these are not enough. */
type Exceptions = Readonly<Record<string, string>>;

type NameInside<Name, Except> = Name extends keyof Except ? Except[Name]
  : Uncapitalize<Name & string>;

/** A record of the wire with its fields' names inside; keys of dictionaries stay. */
export type Inside<Wire, Except> = Wire extends readonly (infer Item)[] ? Inside<Item, Except>[]
  : Wire extends object ? string extends keyof Wire ? Wire
    : { [Name in keyof Wire as NameInside<Name, Except> & string]: Inside<Wire[Name], Except> }
  : Wire;

/** How the records of one schema are renamed. */
export interface WireNames<Wire, Except> {
  /** Renames a record that came over the wire; fields that it has not are absent. */
  fromWire(wire: Wire): Inside<Wire, Except>;
  /** Renames a record for the wire, in the schema's order; fields missing in the schema are omitted. */
  toWire(record: Inside<Wire, Except>): Wire;
}

/** A record on the wire. */
export type WireOf<Names> = Names extends { toWire(record: never): infer Wire } ? Wire : never;

/** The same record inside. */
export type InsideOf<Names> = Names extends { fromWire(wire: never): infer Inside } ? Inside
  : never;

/**
 * Makes the way of a record from the wire to the inside and back.
 *
 * @param schema of the record on the wire
 * @param exceptions where a field's name inside is another than its name on the wire with a small
 *   first letter
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import * as v from "valibot";
 *
 * const limits = v.object({ Name: v.string(), MemoryMB: v.number() });
 * const { fromWire, toWire } = wireNames(limits, { MemoryMB: "memoryMib" });
 * assert.deepEqual(fromWire({ Name: "f", MemoryMB: 64 }), { name: "f", memoryMib: 64 });
 * assert.deepEqual(toWire({ name: "f", memoryMib: 64 }), { Name: "f", MemoryMB: 64 });
 * ```
 */
export function wireNames<
  S extends v.GenericSchema,
  const Except extends Exceptions = Record<never, never>,
>(
  schema: S,
  exceptions = {} as Except,
): WireNames<v.InferOutput<S>, Except> {
  const fields = fieldsOf(schema as Shape, exceptions);
  return {
    fromWire: (wire) => renamed(wire, fields, "wire", "inside") as never,
    toWire: (record) => renamed(record, fields, "inside", "wire") as never,
  };
}

/**
 * The name of a field inside.
 *
 * @param name on the wire
 * @param exceptions as for {@link wireNames}
 */
export function nameInside(name: string, exceptions: Exceptions): string {
  return exceptions[name] ?? name[0]!.toLowerCase() + name.slice(1);
}

/** A field of an object, and the fields of the object or the objects that it holds. */
interface Field {
  readonly wire: string;
  readonly inside: string;
  readonly fields: readonly Field[] | undefined;
}

/** What is looked at of a schema: of an object, of a list, of what may be absent. */
interface Shape {
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly item?: Shape;
  readonly wrapped?: Shape;
}

function fieldsOf(shape: Shape, exceptions: Exceptions): readonly Field[] | undefined {
  if (!shape.entries) {
    const within = shape.item ?? shape.wrapped;
    return within && fieldsOf(within, exceptions);
  }
  return Object.entries(shape.entries).map(([wire, field]) => ({
    wire,
    inside: nameInside(wire, exceptions),
    fields: fieldsOf(field, exceptions),
  }));
}

function renamed(
  value: unknown,
  fields: readonly Field[] | undefined,
  from: "wire" | "inside",
  to: "wire" | "inside",
): unknown {
  if (!fields || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => renamed(item, fields, from, to));
  const values = value as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const field of fields) {
    const name = field[from];
    if (name in values) result[field[to]] = renamed(values[name], field.fields, from, to);
  }
  return result;
}

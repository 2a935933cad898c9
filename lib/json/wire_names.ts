/**
 * Conversion between the names of fields on the wire and internal names. Clients, other nodes and
 * registries use the names of the Go node (`Name`, `MemoryMB`). Internal records use camelCase with units
 * (`name`, `memoryMib`). By default, the internal name is the name on the wire with its first letter in
 * lower case. A table of exceptions overrides it.
 *
 * @module
 */

import type * as v from "valibot";

/** Internal names of fields at any depth that differ from the default, by their names on the wire. */
type Exceptions = Readonly<Record<string, string>>;

type NameInside<Name, Except> = Name extends keyof Except ? Except[Name]
  : Uncapitalize<Name & string>;

/** Record of the wire with internal names of fields. Keys of dictionaries are unchanged. */
export type Inside<Wire, Except> = Wire extends readonly (infer Item)[] ? Inside<Item, Except>[]
  : Wire extends object ? string extends keyof Wire ? Wire
    : { [Name in keyof Wire as NameInside<Name, Except> & string]: Inside<Wire[Name], Except> }
  : Wire;

/** Converters for the records of one schema. */
export interface WireNames<Wire, Except> {
  /** Renames the fields of a record from the wire; missing fields stay missing. */
  fromWire(wire: Wire): Inside<Wire, Except>;
  /** Renames the fields of a record for the wire, in the order of the schema; omits all other fields. */
  toWire(record: Inside<Wire, Except>): Wire;
}

/** Type of a record on the wire. */
export type WireOf<Names> = Names extends { toWire(record: never): infer Wire } ? Wire : never;

/** Internal type of the same record. */
export type InsideOf<Names> = Names extends { fromWire(wire: never): infer Inside } ? Inside
  : never;

/**
 * Creates the converters for the records of a schema.
 *
 * @param schema schema of the record on the wire
 * @param exceptions internal names that differ from the name on the wire with its first letter in
 *   lower case
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
 * Returns the internal name of a field.
 *
 * @param name name on the wire
 * @param exceptions exceptions of {@link wireNames}
 */
export function nameInside(name: string, exceptions: Exceptions): string {
  return exceptions[name] ?? name[0]!.toLowerCase() + name.slice(1);
}

/** Field of an object, with the nested fields of its value or of the elements of its value. */
interface Field {
  readonly wire: string;
  readonly inside: string;
  readonly fields: readonly Field[] | undefined;
}

/** Relevant part of the schema of an object, a list or an optional value. */
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

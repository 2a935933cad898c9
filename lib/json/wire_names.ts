/**
 * Names of fields inside and on the wire: records are camelCase with units inside, while clients,
 * other nodes and registries know them by the names of the Go node.
 *
 * @module
 */

/** The names of a record's fields inside, by their names on the wire. */
type NamesOf<Wire> = { readonly [Key in keyof Required<Wire>]: string };

/** A record of the wire with its fields' names inside. */
export type Inside<Wire, Names extends NamesOf<Wire>> = {
  [Key in keyof Wire as Names[Key]]: Wire[Key];
};

/**
 * Renames a record that came over the wire.
 *
 * @param wire the record, checked
 * @param names of all of its fields
 * @returns fields that it has not are absent
 */
export function fromWire<Wire extends object, const Names extends NamesOf<Wire>>(
  wire: Wire,
  names: Names,
): Inside<Wire, Names> {
  return renamed(wire, Object.entries<string>(names)) as Inside<Wire, Names>;
}

/**
 * Renames a record for the wire.
 *
 * @param record as it is inside; fields without a name on the wire are left out
 * @param names of all fields on the wire, in the order in which they are written
 */
export function toWire<Wire extends object, const Names extends NamesOf<Wire>>(
  record: Inside<Wire, Names>,
  names: Names,
): Wire {
  return renamed(
    record,
    Object.entries<string>(names).map(([wire, inside]) => [inside, wire]),
  ) as Wire;
}

function renamed(record: object, names: readonly (readonly string[])[]): Record<string, unknown> {
  const values = record as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  for (const [from, to] of names) if (from! in values) result[to!] = values[from!];
  return result;
}

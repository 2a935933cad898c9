/**
 * Collections of small records in the registry, such as keys. Each kind of record has a name, a schema and
 * an id.
 *
 * @module
 */

import type * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { parseRecord, type ReadRecord } from "./records.ts";

/** Ids that keys of etcd may contain. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Maximum size of a record, bytes. */
const maxRecordBytes = 128 << 10;

/** A kind of record. */
export interface RecordKind<T> {
  /** Name of the collection, e.g. `keys`; part of the keys in etcd. */
  readonly name: string;
  /** Schema that reads a stored record. */
  readonly stored: v.GenericSchema<unknown, T>;
  /** Converts a record to its stored form. */
  readonly toWire: (record: T) => unknown;
  /** Returns the id of a record, unique in its collection. */
  readonly idOf: (record: T) => string;
}

/** A stored record that is unreadable. Unreadable records are logged. */
export interface DamagedRecord {
  readonly id: string;
  /** Why it is unreadable. */
  readonly problem: string;
}

/**
 * Receives the records of a collection: all of them once the registry responds and again after an outage, then
 * each change.
 */
export interface RecordObserver<T> {
  /** Reports all records; others do not exist any more. */
  reset(records: T[], damaged: readonly DamagedRecord[]): void;
  /** Reports a created or changed record. */
  put(record: T): void;
  /** Reports a record that was overwritten by unreadable data. */
  damage(damaged: DamagedRecord): void;
  /** Reports a deleted record. */
  remove(id: string): void;
}

/** The records of one kind. Every method throws `REGISTRY_UNAVAILABLE` if the registry does not respond. */
export interface Collection<T> {
  /**
   * Adds a record in one transaction.
   *
   * @returns false if a record with that id exists, which stays unchanged
   */
  create(record: T): Promise<boolean>;
  /** Adds or replaces a record. */
  put(record: T): Promise<void>;
  /**
   * Replaces a record in one transaction, unless it was changed or deleted.
   *
   * @param former the record as it is known; its stored text may differ, e.g. that of another version
   * @returns false if it is another one now
   */
  replace(former: T, record: T): Promise<boolean>;
  /**
   * Removes a record.
   *
   * @returns false if there was none
   */
  delete(id: string): Promise<boolean>;
  /**
   * Reports all records and then every change to the observer, in order, until disposed; resumes by itself
   * after outages.
   *
   * @returns the watch, after the first `reset`, or after some time if the registry does not respond
   */
  watch(observer: RecordObserver<T>): Promise<Disposable>;
}

/**
 * Encodes a record for a registry.
 *
 * @throws `PAYLOAD_TOO_LARGE`, `INVALID_REQUEST` for an id that no registry can store
 */
export function encodeRecord<T>(kind: RecordKind<T>, record: T): { id: string; text: string } {
  const id = kind.idOf(record);
  if (!idPattern.test(id)) {
    throw new ServerledgeError("INVALID_REQUEST", `${JSON.stringify(id)} is no id of ${kind.name}`);
  }
  const text = JSON.stringify(kind.toWire(record));
  if (new TextEncoder().encode(text).length > maxRecordBytes) {
    throw new ServerledgeError(
      "PAYLOAD_TOO_LARGE",
      `The record ${id} of ${kind.name} is larger than ${maxRecordBytes} bytes`,
    );
  }
  return { id, text };
}

/** Reads a stored record. */
export function decodeRecord<T>(kind: RecordKind<T>, id: string, text: string): ReadRecord<T> {
  const read = parseRecord(kind.stored, text);
  if ("problem" in read || kind.idOf(read.record) === id) return read;
  return { problem: "it contains a record with another id" };
}

/** The records of a collection. */
export interface RecordListing<T> {
  readonly records: T[];
  readonly damaged: readonly DamagedRecord[];
}

/**
 * Reads stored records.
 *
 * @param texts id and text of each
 */
export function decodeRecords<T>(
  kind: RecordKind<T>,
  texts: Iterable<readonly [id: string, text: string]>,
): RecordListing<T> {
  const records: T[] = [];
  const damaged: DamagedRecord[] = [];
  for (const [id, text] of texts) {
    const read = decodeRecord(kind, id, text);
    if ("record" in read) records.push(read.record);
    else damaged.push({ id, problem: read.problem });
  }
  return { records, damaged };
}

/** Returns whether a stored text is that of a record. Defaults, order of fields and spaces do not count. */
export function isStored<T>(kind: RecordKind<T>, text: string, record: T): boolean {
  const read = decodeRecord(kind, kind.idOf(record), text);
  return "record" in read &&
    encodeRecord(kind, read.record).text === encodeRecord(kind, record).text;
}

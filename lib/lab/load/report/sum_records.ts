/**
 * Sum of the records of a run.
 *
 * @module
 */

import { Histogram, threeDigits } from "../histogram.ts";
import { addSlice, emptyRecord, emptySlice, type KindRecord } from "../recorder.ts";

/**
 * Adds up records.
 *
 * @param records records of the kinds of a run
 * @returns a new record
 */
export function sumUp(records: readonly KindRecord[]): KindRecord {
  const sum = emptyRecord();
  for (const record of records) {
    sum.due += record.due;
    sum.goodInTime += record.goodInTime;
    sum.withinLimit += record.withinLimit;
    sum.bytes += record.bytes;
    addCounts(sum.outcomes, record.outcomes);
    for (const [name, message] of record.messages) sum.messages.set(name, message);
    sum.response.add(record.response);
    sum.service.add(record.service);
    for (const name of ["execution", "queueing", "offload"] as const) {
      sum.server[name].add(record.server[name]);
    }
    for (const [tier, init] of record.server.init) {
      const into = sum.server.init.get(tier) ?? new Histogram(threeDigits);
      sum.server.init.set(tier, into);
      into.add(init);
    }
    addCounts(sum.server.where, record.server.where);
    record.slices.forEach((slice, at) => addSlice(sum.slices[at] ??= emptySlice(), slice));
  }
  return sum;
}

function addCounts(into: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [key, count] of from) into.set(key, (into.get(key) ?? 0) + count);
}

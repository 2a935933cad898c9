/**
 * Parsing of JSON whose numbers are to keep all their digits, which JavaScript's numbers lose beyond
 * 2^53.
 *
 * @module
 */

/** ECMAScript's "JSON.parse source text access", which TypeScript's library lacks. */
interface ExactJson {
  parse(
    text: string,
    revive: (key: string, value: unknown, c: { source: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

const exact = JSON as unknown as ExactJson;

/**
 * Parses JSON, each number by its digits.
 *
 * @param read makes a value of a number as JavaScript sees it, and as it was written
 * @throws what `JSON.parse` throws
 */
export function parseNumbers(
  text: string,
  read: (value: number, source: string) => unknown,
): unknown {
  return exact.parse(
    text,
    (_, value, { source }) => typeof value === "number" ? read(value, source) : value,
  );
}

/**
 * A number that `JSON.stringify` writes as it was read.
 *
 * @returns the number, or what stands for it where JavaScript would write it differently
 */
export function asWritten(value: number, source: string): unknown {
  return String(value) === source ? value : exact.rawJSON(source);
}

/**
 * An integer that no digit is lost of.
 *
 * @returns a bigint beyond 2^53, else the number
 */
export function asInteger(value: number, source: string): number | bigint {
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(source) ? value : BigInt(source);
}

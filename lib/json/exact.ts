/**
 * Parser for JSON that keeps all digits of numbers. JavaScript's numbers lose digits beyond 2^53.
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
 * Parses JSON and converts each number from its source text.
 *
 * @param read returns the value of a number, given JavaScript's number and the source text
 * @throws the errors of `JSON.parse`
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
 * Returns a value for a number that `JSON.stringify` writes with the same digits.
 *
 * @returns the number, or a raw JSON object if JavaScript would write the number differently
 */
export function asWritten(value: number, source: string): unknown {
  return String(value) === source ? value : exact.rawJSON(source);
}

/**
 * Returns an integer without loss of digits.
 *
 * @returns a bigint for an integer beyond 2^53, otherwise the number
 */
export function asInteger(value: number, source: string): number | bigint {
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(source) ? value : BigInt(source);
}

/**
 * Reader for streams of JSON values, one on each line.
 *
 * @module
 */

/** Maximum length of a line, characters. */
const maxLine = 64 << 20;

/**
 * Reads the values of a stream as they arrive.
 *
 * @param stream UTF-8 text; cancelled when reading stops early
 * @throws a `SyntaxError` for a line that is not JSON, a `RangeError` for one that is too long
 */
export async function* readJsonLines(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<unknown, void, void> {
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const [head = "", ...rest] = decoder.decode(chunk, { stream: true }).split("\n");
    pieces.push(head);
    length += head.length;
    if (length > maxLine) throw new RangeError(`A line is longer than ${maxLine} characters`);
    for (const next of rest) {
      const line = pieces.join("");
      if (line.trim() !== "") yield JSON.parse(line);
      pieces = [next];
      length = next.length;
    }
  }
  const last = pieces.join("");
  if (last.trim() !== "") yield JSON.parse(last);
}

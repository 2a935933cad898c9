/**
 * Requests whose bytes a test writes itself, which clients would tidy up.
 *
 * @module
 */

import { RawClient } from "./raw_client.ts";

/** What came back. */
export interface RawAnswer {
  /** Status. */
  readonly status: number;
  /** Headers by lower-case name. */
  readonly headers: Headers;
  /** Body; chunked ones are put together. */
  readonly text: string;
}

/**
 * Sends one request over a connection of its own.
 *
 * @param url the server
 * @param method verb
 * @param target what stands in the request line
 * @param lines header lines; `Host: test.example:8080` unless they have one, and `Connection: close`
 * @param body bytes as text of Latin-1
 */
export async function rawRequest(
  url: string,
  method: string,
  target: string,
  lines: readonly string[] = [],
  body = "",
): Promise<RawAnswer> {
  const host = lines.some((line) => /^host:/i.test(line)) ? [] : ["Host: test.example:8080"];
  const head = [`${method} ${target} HTTP/1.1`, ...host, ...lines, "Connection: close"];
  const text = `${head.join("\r\n")}\r\n\r\n${body}`;
  using client = await RawClient.open(Number(new URL(url).port), text);
  return parse(await client.rest());
}

function parse(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  const body = text.slice(end + 4);
  const isChunked = headers.get("transfer-encoding") === "chunked";
  return { status: Number(first.split(" ")[1]), headers, text: isChunked ? joined(body) : body };
}

/** Chunks of ASCII put together. */
function joined(chunks: string): string {
  let text = "";
  for (let rest = chunks; rest !== "";) {
    const end = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) break;
    text += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 2 + size + 2);
  }
  return text;
}

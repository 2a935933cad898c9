/**
 * From `TarFunctionCode` to an archive: base64 of the archive itself, or of a URL to one.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { readTar } from "../model/archive.ts";
import { fetchCode, type FetchCodeOptions } from "./fetch_code.ts";

/** Longest URL that code may come from. */
const maxUrlLength = 4096;

/**
 * Reads the code of a definition and checks that it can be unpacked.
 *
 * @param encoded the field `TarFunctionCode`, not empty
 * @param options what may be fetched where it is a URL
 * @returns the archive
 * @throws `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`, with the path `TarFunctionCode`
 */
export async function readCode(encoded: string, options: FetchCodeOptions): Promise<Uint8Array> {
  const decoded = decode(encoded);
  const url = asUrl(decoded);
  const archive = url ? await fetchCode(url, options) : decoded;
  if ((await readTar(archive)).every(({ data }) => data === null)) {
    refuse("the archive holds no file");
  }
  return archive;
}

function decode(encoded: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(encoded, { lastChunkHandling: "strict" });
  } catch (cause) {
    return refuse("expected base64 with padding and nothing else", cause);
  }
}

function asUrl(decoded: Uint8Array): URL | undefined {
  if (decoded.length > maxUrlLength) return undefined;
  const text = new TextDecoder().decode(decoded).trim();
  return /^https?:\/\//i.test(text) ? URL.parse(text) ?? undefined : undefined;
}

function refuse(problem: string, cause?: unknown): never {
  throw new ServerledgeError("UNPROCESSABLE", `TarFunctionCode: ${problem}`, {
    cause,
    details: { path: "TarFunctionCode" },
  });
}

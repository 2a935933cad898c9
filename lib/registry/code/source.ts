/**
 * Converts `TarFunctionCode` to a TAR archive: it is base64 of an archive, or of a URL of one.
 * Archives may be TAR, TAR in gzip, or ZIP; the registry stores TAR.
 *
 * @module
 */

import { decodeBase64 } from "../../base/base64.ts";
import type { ReserveMemory } from "../../base/reserve_memory.ts";
import { ServerledgeError } from "../../base/errors.ts";
import type { QuotedText, Text } from "../../json/quoted.ts";
import { archiveError, packTar, readTar } from "../../archive/archive.ts";
import { archiveLimits, BadArchive } from "../../archive/entries.ts";
import { archiveFormat, notTaken } from "../../archive/format.ts";
import { fetchCode, type FetchCodeOptions } from "./fetch.ts";

const backslash = 0x5c;
/** Maximum length of a URL of code, bytes. */
const maxUrlLength = 4096;

/**
 * Reads the code of a definition and checks that it can be unpacked.
 *
 * @param encoded the field `TarFunctionCode`, not empty
 * @param options limits of a fetch, if it is a URL
 * @returns the archive, as TAR
 * @throws `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`, with the path `TarFunctionCode`
 */
export async function readCode(encoded: Text, options: FetchCodeOptions): Promise<Uint8Array> {
  const decoded = await decode(encoded, options.reserve);
  const url = asUrl(decoded);
  const archive = await asTar(url ? await fetchCode(url, options) : decoded, options.reserve);
  if ((await readTar(archive)).every(({ data }) => data === null)) {
    refuse("the archive contains no file");
  }
  return archive;
}

/** Maximum size of a TAR archive, bytes: the files, and for each a header, padding and long names. */
const maxTarBytes = archiveLimits.maxBytes + archiveLimits.maxEntries * 4096;

async function asTar(archive: Uint8Array, reserve: ReserveMemory): Promise<Uint8Array> {
  const format = archiveFormat(archive);
  if (format === "TAR") return archive;
  if (format !== "gzip" && format !== "ZIP") return refuse(notTaken(format));
  try {
    if (format === "ZIP") {
      const { readZip } = await import("../../archive/zip.ts");
      const entries = await readZip(archive, archiveLimits, reserve);
      reserve(entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0));
      return await packTar(entries);
    }
    const { inflate } = await import("../../archive/inflate.ts");
    const expected = sizeInGzip(archive);
    return await inflate(archive, "gzip", { maxBytes: maxTarBytes, expected, reserve });
  } catch (error) {
    if (error instanceof BadArchive) throw archiveError(error, format);
    if (error instanceof ServerledgeError) throw error;
    return refuse(`the ${format} archive is corrupt: ${(error as Error).message}`, error);
  }
}

/** Maximum compression ratio of Deflate. */
const maxDeflateRatio = 1032;

/**
 * Returns the uncompressed size in the trailer of a gzip archive (RFC 1952, ISIZE), correct if the
 * archive has one member.
 */
function sizeInGzip(archive: Uint8Array): number {
  if (archive.length < 4) return 0;
  const view = new DataView(archive.buffer, archive.byteOffset, archive.length);
  return Math.min(view.getUint32(archive.length - 4, true), archive.length * maxDeflateRatio);
}

/** Decodes base64. A long text is part of a body, whose reservation includes the decoded copy. */
async function decode(encoded: Text, reserve: ReserveMemory): Promise<Uint8Array> {
  try {
    if (typeof encoded === "string") {
      return Uint8Array.fromBase64(encoded, { lastChunkHandling: "strict" });
    }
    return await decodeBase64(encoded.json.subarray(1, -1), "strict");
  } catch (cause) {
    // Some JSON encoders escape slashes.
    const isEscaped = typeof encoded !== "string" && encoded.json.includes(backslash);
    if (isEscaped) return await decodeEscaped(encoded, reserve);
    return refuse(notBase64, cause);
  }
}

async function decodeEscaped(encoded: QuotedText, reserve: ReserveMemory): Promise<Uint8Array> {
  reserve(encoded.length);
  const text = await encoded.unquoted();
  try {
    return await decodeBase64(text, "strict");
  } catch (cause) {
    return refuse(notBase64, cause);
  }
}

const notBase64 = "expected base64 with padding and no other characters";

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

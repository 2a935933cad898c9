/**
 * From `TarFunctionCode` to a TAR archive: base64 of an archive, or of a URL to one. Archives may be
 * TAR, TAR in gzip, or ZIP; the registry keeps TAR.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { archiveError, packTar, readTar } from "../../archive/archive.ts";
import { archiveLimits, BadArchive } from "../../archive/entries.ts";
import { archiveFormat, notTaken } from "../../archive/format.ts";
import { fetchCode, type FetchCodeOptions } from "./fetch.ts";

/** Longest URL that code may come from. */
const maxUrlLength = 4096;

/**
 * Reads the code of a definition and checks that it can be unpacked.
 *
 * @param encoded the field `TarFunctionCode`, not empty
 * @param options what may be fetched where it is a URL
 * @returns the archive, as TAR
 * @throws `UNPROCESSABLE` or `PAYLOAD_TOO_LARGE`, with the path `TarFunctionCode`
 */
export async function readCode(encoded: string, options: FetchCodeOptions): Promise<Uint8Array> {
  const decoded = decode(encoded);
  const url = asUrl(decoded);
  const archive = await asTar(url ? await fetchCode(url, options) : decoded);
  if (readTar(archive).every(({ data }) => data === null)) {
    refuse("the archive holds no file");
  }
  return archive;
}

/** Bytes of a TAR archive besides those of its files: a header and padding each, and long names. */
const maxTarBytes = archiveLimits.maxBytes + archiveLimits.maxEntries * 4096;

async function asTar(archive: Uint8Array): Promise<Uint8Array> {
  const format = archiveFormat(archive);
  if (format === "TAR") return archive;
  if (format !== "gzip" && format !== "ZIP") return refuse(notTaken(format));
  try {
    if (format === "ZIP") {
      const { readZip } = await import("../../archive/zip.ts");
      return await packTar(await readZip(archive, archiveLimits));
    }
    const { inflate } = await import("../../archive/inflate.ts");
    return await inflate(archive, "gzip", maxTarBytes);
  } catch (error) {
    if (error instanceof BadArchive) throw archiveError(error, format);
    return refuse(`the ${format} archive is damaged: ${(error as Error).message}`, error);
  }
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

/**
 * Detection of archive formats, so that errors can name those that are not supported.
 *
 * @module
 */

/** First bytes of common formats. */
const signatures: readonly (readonly [format: string, bytes: string])[] = [
  ["gzip", "\x1f\x8b"],
  ["ZIP", "PK\x03\x04"],
  ["ZIP", "PK\x05\x06"],
  ["ZIP", "PK\x07\x08"],
  ["bzip2 file", "BZh"],
  ["xz file", "\xfd7zXZ\0"],
  ["Zstandard file", "\x28\xb5\x2f\xfd"],
  ["lzip file", "LZIP"],
  ["7-Zip file", "7z\xbc\xaf\x27\x1c"],
  ["RAR file", "Rar!\x1a\x07"],
  ["program (ELF)", "\x7fELF"],
  ["program (MZ)", "MZ"],
  ["script (#!)", "#!"],
  ["web page", "<!DOCTYPE"],
  ["web page", "<!doctype"],
  ["web page", "<html"],
];

/** Offset of the magic in a TAR header. */
const tarMark = { at: 257, text: "ustar" } as const;

/**
 * Detects the format of an archive.
 *
 * @param archive its bytes
 * @returns `TAR` if no other format is recognized
 */
export function archiveFormat(archive: Uint8Array): string {
  const begins = (text: string, at = 0) =>
    [...text].every((char, index) => archive[at + index] === char.charCodeAt(0));
  if (begins(tarMark.text, tarMark.at)) return "TAR";
  return signatures.find(([, bytes]) => begins(bytes))?.[0] ?? "TAR";
}

/** Describes an unsupported format and the supported ones. */
export function notTaken(format: string): string {
  return `it is a ${format}, which is not supported; pack the code as .tar, .tar.gz or .zip`;
}

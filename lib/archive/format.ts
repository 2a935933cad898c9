/**
 * What an archive is, by its first bytes, so that what is not taken is called by its name.
 *
 * @module
 */

/** First bytes of what people take for code archives. */
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

/** A TAR header has its mark here; names may begin as anything. */
const tarMark = { at: 257, text: "ustar" } as const;

/**
 * What an archive is.
 *
 * @param archive its bytes
 * @returns `TAR` for whatever nothing else is recognised in
 */
export function archiveFormat(archive: Uint8Array): string {
  const begins = (text: string, at = 0) =>
    [...text].every((char, index) => archive[at + index] === char.charCodeAt(0));
  if (begins(tarMark.text, tarMark.at)) return "TAR";
  return signatures.find(([, bytes]) => begins(bytes))?.[0] ?? "TAR";
}

/** Says that a format is not taken, and which are. */
export function notTaken(format: string): string {
  return `it is a ${format}, and no archive that is taken; pack the code as .tar, .tar.gz or .zip`;
}

/**
 * WebAssembly modules inside of bundled code, compressed until they are used.
 *
 * A compiled program reads all of its code into memory when it starts, and so does every sandbox,
 * which is another process of it: what a program carries is paid for by each.
 *
 * @module
 */

import { zstdCompressSync } from "node:zlib";

/** A string literal of base64 that begins with the `\0asm` of a module and is worth the trouble. */
const moduleLiteral = /(["'`])(AGFzbQ[A-Za-z0-9+/]{65536,}={0,2})\1/g;
/** Compression parameters (`ZSTD_c_compressionLevel` of zstd.h): the strongest ordinary level. */
const params = { 100: 19 };

/**
 * Replaces modules that stand as base64 in string literals by expressions with the same value.
 *
 * @param code JavaScript
 * @returns the code, which unpacks the modules when it is run, and how many there are
 */
export function packWasm(code: string): { code: string; count: number } {
  let count = 0;
  const packed = code.replace(moduleLiteral, (_, _quote, base64: string) => {
    count++;
    const small = zstdCompressSync(Uint8Array.fromBase64(base64), { params });
    return '(process.getBuiltinModule("node:zlib").zstdDecompressSync(' +
      `Uint8Array.fromBase64("${small.toBase64()}")).toString("base64"))`;
  });
  return { code: packed, count };
}

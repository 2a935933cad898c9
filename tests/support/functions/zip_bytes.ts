/**
 * ZIP archives made byte by byte, also such as no archiver makes.
 *
 * @module
 */

import * as zlib from "node:zlib";

/** An entry; numbers that are not given are the right ones. */
export interface ZipPart {
  readonly name: string;
  readonly text?: string;
  /** Unix mode; undefined: made on MS-DOS. */
  readonly mode?: number;
  readonly deflate?: boolean;
  /** CRC and sizes stand behind the content instead of in front. */
  readonly descriptor?: boolean;
  /** Sizes and offset stand in the extra field of the directory. */
  readonly zip64?: boolean;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly size?: number;
  /** Size in front of the content only. */
  readonly localSize?: number;
  readonly localName?: string;
  /** Bytes to take for the packed content. */
  readonly packed?: Uint8Array;
}

const encode = (text: string) => new TextEncoder().encode(text);
const u16 = (value: number) => [value & 0xff, value >> 8 & 0xff];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const u64 = (value: number) => [...u32(value), 0, 0, 0, 0];
const { crc32 } = zlib as unknown as { crc32(data: Uint8Array): number };

/** Makes an archive. */
export function zipBytes(parts: readonly ZipPart[], comment = ""): Uint8Array {
  const bytes: number[] = [];
  const directory: number[] = [];
  for (const part of parts) {
    const { name, mode, deflate, descriptor, zip64 } = part;
    const content = encode(part.text ?? "");
    const packed = part.packed ?? (deflate ? zlib.deflateRawSync(content) : content);
    const size = part.size ?? content.length;
    const offset = bytes.length;
    const sums = [...u32(part.crc ?? crc32(content)), ...u32(packed.length), ...u32(size)];
    const [raw, localName] = [encode(name), encode(part.localName ?? name)];
    const shared = (sums: number[], length: number, extra: number) => [
      ...u16(20),
      ...u16((part.flags ?? 0) | (descriptor ? 8 : 0)),
      ...u16(part.method ?? (deflate ? 8 : 0)),
      ...u32(0),
      ...sums,
      ...u16(length),
      ...u16(extra),
    ];
    const localSums = part.localSize === undefined
      ? sums
      : [...sums.slice(0, 8), ...u32(part.localSize)];
    bytes.push(...u32(0x04034b50));
    bytes.push(...shared(descriptor ? Array(12).fill(0) : localSums, localName.length, 0));
    bytes.push(...localName, ...packed);
    if (descriptor) bytes.push(...u32(0x08074b50), ...sums);
    const large = [...u64(size), ...u64(packed.length), ...u64(offset)];
    const extra = zip64 ? [...u16(1), ...u16(large.length), ...large] : [];
    const stated = zip64 ? [...sums.slice(0, 4), ...Array(8).fill(0xff)] : sums;
    directory.push(...u32(0x02014b50), 30, mode === undefined ? 0 : 3);
    directory.push(...shared(stated, raw.length, extra.length), ...u16(0), ...u32(0));
    directory.push(...u32((mode ?? 0) << 16), ...u32(zip64 ? 0xffffffff : offset));
    directory.push(...raw, ...extra);
  }
  const ends = [
    ...u32(0x06054b50),
    ...u32(0),
    ...u16(parts.length),
    ...u16(parts.length),
    ...u32(directory.length),
    ...u32(bytes.length),
    ...u16(comment.length),
    ...encode(comment),
  ];
  return Uint8Array.from([...bytes, ...directory, ...ends]);
}

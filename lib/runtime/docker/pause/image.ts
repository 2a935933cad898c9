/**
 * Image of pause containers: one static program of some hundred bytes that sleeps forever. The image is
 * created here, so it need not be pulled or shipped.
 *
 * @module
 */

import { ServerledgeError } from "../../../base/errors.ts";

/** Name of the image; the tag changes with the program. */
export const pauseImage = "serverledge/pause:1";
/** Path of the program in the image. */
export const pauseProgram = "/pause";

const elfHeaderBytes = 64;
const programHeaderBytes = 56;
/** Address at which the program is mapped: any address that the kernel lets user space map. */
const baseAddress = 0x400000n;

interface Machine {
  /** `e_machine` of the ELF header (elf.h). */
  readonly id: number;
  /** Machine code that sleeps forever. */
  readonly code: readonly number[];
}

const machines: Readonly<Record<string, Machine>> = {
  amd64: {
    id: 62, // EM_X86_64
    code: [
      ...[0xb8, 0x22, 0x00, 0x00, 0x00], // mov eax, 34 (pause)
      ...[0x0f, 0x05], //                   syscall
      ...[0xeb, 0xf7], //                   jmp to the start
    ],
  },
  arm64: {
    id: 183, // EM_AARCH64
    code: [
      ...[0x00, 0x00, 0x80, 0xd2], // mov x0, #0 (no descriptors)
      ...[0x01, 0x00, 0x80, 0xd2], // mov x1, #0
      ...[0x02, 0x00, 0x80, 0xd2], // mov x2, #0 (no time-out)
      ...[0x03, 0x00, 0x80, 0xd2], // mov x3, #0 (no signal mask)
      ...[0x28, 0x09, 0x80, 0xd2], // mov x8, #73 (ppoll)
      ...[0x01, 0x00, 0x00, 0xd4], // svc #0
      ...[0xfa, 0xff, 0xff, 0x17], // b to the start
    ],
  },
};

/**
 * Creates the program: a static ELF executable of one segment.
 *
 * @param architecture `amd64` or `arm64`
 * @throws `INSTANCE_START_FAILED` for any other architecture
 * @see elf(5)
 */
export function pauseElf(architecture: string): Uint8Array<ArrayBuffer> {
  const machine = machines[architecture];
  if (!machine) {
    throw new ServerledgeError(
      "INSTANCE_START_FAILED",
      `There is no pause program for the architecture ${architecture}`,
    );
  }
  const size = elfHeaderBytes + programHeaderBytes + machine.code.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  // e_ident: magic, 64 bit, little-endian, version 1, System V.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // e_type: ET_EXEC
  view.setUint16(18, machine.id, true); // e_machine
  view.setUint32(20, 1, true); // e_version
  view.setBigUint64(24, baseAddress + BigInt(elfHeaderBytes + programHeaderBytes), true); // e_entry
  view.setBigUint64(32, BigInt(elfHeaderBytes), true); // e_phoff
  view.setUint16(52, elfHeaderBytes, true); // e_ehsize
  view.setUint16(54, programHeaderBytes, true); // e_phentsize
  view.setUint16(56, 1, true); // e_phnum

  const segment = elfHeaderBytes;
  view.setUint32(segment, 1, true); // p_type: PT_LOAD
  view.setUint32(segment + 4, 5, true); // p_flags: read, execute
  view.setBigUint64(segment + 16, baseAddress, true); // p_vaddr, of the file's start
  view.setBigUint64(segment + 24, baseAddress, true); // p_paddr
  view.setBigUint64(segment + 32, BigInt(size), true); // p_filesz
  view.setBigUint64(segment + 40, BigInt(size), true); // p_memsz
  view.setBigUint64(segment + 48, 0x10000n, true); // p_align: the largest page size of arm64
  bytes.set(machine.code, elfHeaderBytes + programHeaderBytes);
  return bytes;
}

/**
 * Creates the image's root as a TAR archive.
 *
 * @param architecture `amd64` or `arm64`
 */
export async function pauseArchive(architecture: string): Promise<Uint8Array> {
  const { packTar } = await import("modern-tar");
  const body = pauseElf(architecture);
  return await packTar([{
    header: { name: pauseProgram.slice(1), size: body.length, mode: 0o755, type: "file" },
    body,
  }]);
}

/**
 * Operations on sockets that the platform does not offer, by calls of the C library (Linux).
 *
 * @module
 */

import { isIP } from "node:net";
import { inSlices } from "../../base/slices.ts";
import { canonicalIpv6 } from "../ip_address.ts";

const symbols = {
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const;

/** Constants of Linux, the same on x86_64 and ARM64. */
const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_REUSEPORT = 15;
const SO_ACCEPTCONN = 30;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const SOCK_DGRAM = 2;
const SHUT_RDWR = 2;
const AF_INET = 2;
const AF_INET6 = 10;

/** Classic BPF instruction `BPF_RET | BPF_K` (linux/bpf_common.h). */
const returnConstant = 0x06;

/** Number of descriptors that are searched at once: a few milliseconds. */
const searchedAtOnce = 512;

/** Sockets of this process, by calls of the C library. */
export class Libc {
  readonly #libc: Deno.DynamicLibrary<typeof symbols>["symbols"];

  /** Loads the C library. @throws if there is none of that name */
  constructor() {
    this.#libc = Deno.dlopen("libc.so.6", symbols).symbols;
  }

  /**
   * Calls a function that opens one listening socket.
   *
   * @returns result of the function, and the descriptor of the socket; undefined if it was not found
   */
  opened<T>(open: () => T): { readonly result: T; readonly descriptor: number | undefined } {
    const listening = () => descriptors().filter((descriptor) => this.#isListening(descriptor));
    const before = new Set(listening());
    const result = open();
    return { result, descriptor: listening().find((descriptor) => !before.has(descriptor)) };
  }

  /**
   * Makes a listening socket's connections send small data at once (TCP_NODELAY), which they inherit.
   *
   * @returns whether the system does so
   */
  sendAtOnce(listening: number): boolean {
    return this.#set(listening, IPPROTO_TCP, TCP_NODELAY, 1);
  }

  /**
   * Lets another socket of this process listen on the same port (SO_REUSEPORT).
   *
   * @returns whether the system does so
   */
  shareThePort(listening: number): boolean {
    return this.#set(listening, SOL_SOCKET, SO_REUSEPORT, 1);
  }

  /**
   * Lets other processes of this user bind the same addresses: they can share a listening TCP socket's port
   * (SO_REUSEPORT), and take over a UDP socket's (SO_REUSEADDR).
   *
   * @param addresses local addresses of sockets of this process
   */
  offer(addresses: readonly Deno.Addr[]): void {
    const offered = new Set(addresses.map(textOf));
    for (const descriptor of descriptors()) {
      const local = socketAddress(descriptor, this.#libc.getsockname);
      if (!local || !offered.has(addressText(local) ?? "")) continue;
      if (this.#isListening(descriptor)) this.shareThePort(descriptor);
      else if (this.#isDatagram(descriptor)) this.#set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    }
  }

  /**
   * Directs all new connections of a port to the second of the two sockets that share it. Without this,
   * the system distributes them, and closing the first socket would reset those that it was given.
   *
   * @param listening the socket that started to listen last
   * @returns whether the system does so
   */
  receiveAll(listening: number): boolean {
    const instruction = new Uint8Array(8);
    const code = new DataView(instruction.buffer);
    code.setUint16(0, returnConstant, true);
    code.setUint32(4, 1, true);
    const program = new Uint8Array(16);
    const header = new DataView(program.buffer);
    header.setUint16(0, 1, true);
    header.setBigUint64(8, Deno.UnsafePointer.value(Deno.UnsafePointer.of(instruction)), true);
    const { setsockopt } = this.#libc;
    return setsockopt(listening, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program, 16) === 0;
  }

  /**
   * Shuts connections down, whoever uses their sockets. Searches all descriptors, in slices.
   *
   * @param connections their addresses
   * @throws if no descriptor is free
   */
  async shutDown(
    connections: readonly Pick<Deno.Conn, "localAddr" | "remoteAddr">[],
  ): Promise<void> {
    const wanted = new Set(
      connections.map(({ localAddr, remoteAddr }) => `${textOf(localAddr)} ${textOf(remoteAddr)}`),
    );
    const ports = new Set(connections.map(({ remoteAddr }) => (remoteAddr as Deno.NetAddr).port));
    const { getpeername, getsockname, shutdown } = this.#libc;
    const all = descriptors();
    let at = 0;
    await inSlices(() => {
      for (const descriptor of all.slice(at, at + searchedAtOnce)) {
        const remote = socketAddress(descriptor, getpeername);
        if (!remote || !ports.has(portOf(remote))) continue;
        const local = socketAddress(descriptor, getsockname);
        if (local && wanted.has(`${addressText(local)} ${addressText(remote)}`)) {
          shutdown(descriptor, SHUT_RDWR);
        }
      }
      at += searchedAtOnce;
      return at >= all.length;
    });
  }

  #set(descriptor: number, level: number, option: number, value: number): boolean {
    return this.#libc.setsockopt(descriptor, level, option, new Int32Array([value]), 4) === 0;
  }

  #isListening(descriptor: number): boolean {
    return this.#get(descriptor, SO_ACCEPTCONN) === 1;
  }

  #isDatagram(descriptor: number): boolean {
    return this.#get(descriptor, SO_TYPE) === SOCK_DGRAM;
  }

  #get(descriptor: number, option: number): number {
    const value = new Int32Array(1);
    const length = new Uint32Array([4]);
    this.#libc.getsockopt(descriptor, SOL_SOCKET, option, value, length);
    return value[0]!;
  }
}

/** Returns the address of one end of a socket (sockaddr_in, sockaddr_in6); undefined if it has none. */
function socketAddress(
  descriptor: number,
  call: (
    descriptor: number,
    address: Uint8Array<ArrayBuffer>,
    length: Uint32Array<ArrayBuffer>,
  ) => number,
): DataView | undefined {
  const address = new Uint8Array(28);
  if (call(descriptor, address, new Uint32Array([28])) !== 0) return undefined;
  return new DataView(address.buffer);
}

function portOf(address: DataView): number {
  return address.getUint16(2);
}

/** Returns a socket's address as {@link textOf} does; undefined for other protocols than IP. */
function addressText(address: DataView): string | undefined {
  const family = address.getUint16(0, true);
  const port = portOf(address);
  if (family === AF_INET) return `${new Uint8Array(address.buffer, 4, 4).join(".")} ${port}`;
  if (family !== AF_INET6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => address.getUint16(8 + 2 * i).toString(16));
  return `${canonical(groups.join(":"))} ${port}`;
}

/** Returns an address as `ADDRESS PORT`, with one spelling for each. */
function textOf(address: Deno.Addr): string {
  return "hostname" in address ? `${canonical(address.hostname)} ${address.port}` : "";
}

/**
 * Returns all numbers below which this process has descriptors, open or not. Asking the system about each is many
 * times faster than reading the links in `/proc/self/fd`.
 */
function descriptors(): number[] {
  const [, size] = /^FDSize:\s*(\d+)/m.exec(Deno.readTextFileSync("/proc/self/status")) ?? [];
  return Array.from({ length: Number(size ?? 0) }, (_, descriptor) => descriptor);
}

/** Returns an IP address in its only spelling. */
function canonical(address: string): string {
  return isIP(address) === 6 ? canonicalIpv6(address) : address;
}

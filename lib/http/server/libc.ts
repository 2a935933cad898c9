/**
 * Operations on sockets that the platform does not offer, by calls of the C library (Linux).
 *
 * @module
 */

import { isIP } from "node:net";

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
const SO_REUSEPORT = 15;
const SO_ACCEPTCONN = 30;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const SHUT_RDWR = 2;
const AF_INET = 2;
const AF_INET6 = 10;

/** Classic BPF instruction `BPF_RET | BPF_K` (linux/bpf_common.h). */
const returnConstant = 0x06;

const descriptorFolder = "/proc/self/fd";

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
    const before = new Set(sockets().map(([name]) => name));
    const result = open();
    const found = sockets().find(([name, descriptor]) =>
      !before.has(name) && this.#isListening(descriptor)
    );
    return { result, descriptor: found?.[1] };
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
   * Shuts connections down, whoever uses their sockets.
   *
   * @param connections their addresses
   */
  shutDown(connections: readonly Pick<Deno.Conn, "localAddr" | "remoteAddr">[]): void {
    const wanted = new Set(
      connections.map(({ localAddr, remoteAddr }) => `${textOf(localAddr)} ${textOf(remoteAddr)}`),
    );
    const { getpeername, getsockname, shutdown } = this.#libc;
    for (const [, descriptor] of sockets()) {
      const remote = addressOf(descriptor, getpeername);
      if (remote === undefined) continue;
      if (wanted.has(`${addressOf(descriptor, getsockname)} ${remote}`)) {
        shutdown(descriptor, SHUT_RDWR);
      }
    }
  }

  #set(descriptor: number, level: number, option: number, value: number): boolean {
    return this.#libc.setsockopt(descriptor, level, option, new Int32Array([value]), 4) === 0;
  }

  #isListening(descriptor: number): boolean {
    const value = new Int32Array(1);
    const length = new Uint32Array([4]);
    this.#libc.getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, value, length);
    return value[0] === 1;
  }
}

/** Returns an end of a TCP socket as {@link textOf} does; undefined if it has none. */
function addressOf(
  descriptor: number,
  call: (
    descriptor: number,
    address: Uint8Array<ArrayBuffer>,
    length: Uint32Array<ArrayBuffer>,
  ) => number,
): string | undefined {
  const address = new Uint8Array(28); // sockaddr_in6
  if (call(descriptor, address, new Uint32Array([28])) !== 0) return undefined;
  const view = new DataView(address.buffer);
  const family = view.getUint16(0, true);
  const port = view.getUint16(2);
  if (family === AF_INET) return `${address.subarray(4, 8).join(".")} ${port}`;
  if (family !== AF_INET6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i).toString(16));
  return `${canonical(groups.join(":"))} ${port}`;
}

/** Returns an address as `ADDRESS PORT`, with one spelling for each. */
function textOf(address: Deno.Addr): string {
  return "hostname" in address ? `${canonical(address.hostname)} ${address.port}` : "";
}

/** Returns names and descriptors of this process's sockets. */
function sockets(): [name: string, descriptor: number][] {
  const found: [string, number][] = [];
  for (const { name } of Deno.readDirSync(descriptorFolder)) {
    try {
      const target = Deno.readLinkSync(`${descriptorFolder}/${name}`);
      if (target.startsWith("socket:")) found.push([target, Number(name)]);
    } catch {
      // It was closed in the meantime.
    }
  }
  return found;
}

/** Returns an IP address in the notation of URLs, which has one spelling for each address. */
function canonical(address: string): string {
  if (isIP(address) !== 6) return address;
  return new URL(`http://[${address.replace(/%.*$/, "")}]/`).hostname;
}

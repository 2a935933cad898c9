/**
 * A stretch of network for datagrams: carries them to one address and the answers back, with a
 * delay, until it is cut.
 *
 * @module
 */

/** Changes a datagram on its way, in place. */
type Alteration = (datagram: Uint8Array) => void;

/** Carries datagrams. Disposing it ends it. */
export class DatagramRelay implements AsyncDisposable {
  readonly #outside = listen();
  /** For each that sends through it, the socket by which the other side sees it. */
  readonly #inside = new Map<number, Deno.DatagramConn>();
  readonly #target: Deno.NetAddr;
  readonly #delayMs: number;
  readonly #alter: Alteration;
  readonly #carrying: Promise<void>[] = [];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #isCut = false;
  #isClosed = false;

  /**
   * A relay that is whole.
   *
   * @param target `host:port`
   * @param delayMs how long each way takes
   * @param alter changes what is carried
   */
  constructor(target: string, delayMs = 0, alter: Alteration = () => {}) {
    const { hostname, port } = new URL(`http://${target}`);
    this.#target = { transport: "udp", hostname, port: Number(port) };
    this.#delayMs = delayMs;
    this.#alter = alter;
    this.#carrying.push(this.#carry(this.#outside, (bytes, from) => {
      this.#send(this.#insideOf(from), bytes, this.#target);
    }));
  }

  /** Where it is reached, `host:port`. */
  get address(): string {
    return `127.0.0.1:${(this.#outside.addr as Deno.NetAddr).port}`;
  }

  /** Lets nothing through any more. */
  cut(): void {
    this.#isCut = true;
  }

  /** Lets what comes from now on through. */
  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of [this.#outside, ...this.#inside.values()]) socket.close();
    await Promise.all(this.#carrying);
  }

  #insideOf(from: Deno.NetAddr): Deno.DatagramConn {
    let socket = this.#inside.get(from.port);
    if (!socket) {
      this.#inside.set(from.port, socket = listen());
      this.#carrying.push(
        this.#carry(socket, (bytes) => this.#send(this.#outside, bytes, from)),
      );
    }
    return socket;
  }

  #send(socket: Deno.DatagramConn, bytes: Uint8Array<ArrayBuffer>, to: Deno.NetAddr): void {
    if (this.#isCut) return;
    this.#alter(bytes);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      // Nobody may listen there any more, which a datagram's sender need not learn.
      socket.send(bytes, to).catch(() => {});
    }, this.#delayMs);
    this.#timers.add(timer);
  }

  async #carry(
    socket: Deno.DatagramConn,
    take: (bytes: Uint8Array<ArrayBuffer>, from: Deno.NetAddr) => void,
  ): Promise<void> {
    while (!this.#isClosed) {
      try {
        const [bytes, from] = await socket.receive(new Uint8Array(2048));
        take(bytes, from as Deno.NetAddr);
      } catch {
        // It was closed; or a former datagram found nobody.
      }
    }
  }
}

/** A UDP port that was free a moment ago. */
export function freeUdpPort(): number {
  const socket = listen();
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}

function listen(): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
}

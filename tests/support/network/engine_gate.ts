/**
 * A Docker engine that goes and comes as the test says: a socket before the real one.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type TempDir, tempDir } from "../temp_dir.ts";

const realSocket = "/var/run/docker.sock";

/** Changes text of Latin-1. */
type Alteration = (text: string) => string;

/** A gate before the engine; closed at first. */
export class EngineGate implements AsyncDisposable {
  readonly #dir: TempDir;
  readonly #alter: Alteration;
  #listener: Deno.UnixListener | undefined;
  readonly #open = new Set<Deno.Conn>();

  private constructor(dir: TempDir, alter: Alteration) {
    this.#dir = dir;
    this.#alter = alter;
  }

  /**
   * A closed gate.
   *
   * @param alter changes pieces of what the engine answers, but not their length
   */
  static async create(alter: Alteration = (text) => text): Promise<EngineGate> {
    return new EngineGate(await tempDir("engine"), alter);
  }

  /** Sets `DOCKER_HOST` to the gate until disposed. */
  asDockerHost(): Disposable {
    const before = Deno.env.get("DOCKER_HOST");
    Deno.env.set("DOCKER_HOST", this.address);
    return {
      [Symbol.dispose]: () => {
        if (before === undefined) Deno.env.delete("DOCKER_HOST");
        else Deno.env.set("DOCKER_HOST", before);
      },
    };
  }

  /** The engine answers from now on. */
  open(): void {
    const listener = Deno.listen({ transport: "unix", path: this.#path });
    this.#listener = listener;
    void (async () => {
      for await (const conn of listener) void this.#join(conn);
    })();
  }

  /** The engine is gone, and its connections with it. */
  close(): void {
    this.#listener?.close();
    this.#listener = undefined;
    for (const conn of this.#open) quietly(() => conn.close());
    quietly(() => Deno.removeSync(this.#path));
  }

  /** Closes it and removes its socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#dir[Symbol.asyncDispose]();
  }

  /** What `DOCKER_HOST` must be for a process to come to the gate. */
  get address(): string {
    return `unix://${this.#path}`;
  }

  get #path(): string {
    return `${this.#dir.path}/docker.sock`;
  }

  async #join(near: Deno.Conn): Promise<void> {
    const far = await Deno.connect({ transport: "unix", path: realSocket });
    this.#open.add(near).add(far);
    const altered = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
      transform: (bytes, to) => {
        const text = Buffer.from(bytes).toString("latin1");
        to.enqueue(new Uint8Array(Buffer.from(this.#alter(text), "latin1")));
      },
    });
    const answers = far.readable.pipeThrough(altered);
    const pipes = [near.readable.pipeTo(far.writable), answers.pipeTo(near.writable)];
    await Promise.allSettled(pipes);
    for (const conn of [near, far]) {
      this.#open.delete(conn);
      quietly(() => conn.close());
    }
  }
}

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // It was closed or removed already.
  }
}

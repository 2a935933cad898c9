/**
 * A Docker engine that goes and comes as the test says: a socket before the real one.
 *
 * @module
 */

import { type TempDir, tempDir } from "../temp_dir.ts";

const realSocket = "/var/run/docker.sock";

/** A gate before the engine; closed at first. */
export class EngineGate implements AsyncDisposable {
  readonly #dir: TempDir;
  #listener: Deno.UnixListener | undefined;
  readonly #open = new Set<Deno.Conn>();

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  /** A closed gate. */
  static async create(): Promise<EngineGate> {
    return new EngineGate(await tempDir("engine"));
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
    const pipes = [near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)];
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

/**
 * One container from its creation to its surely being gone.
 *
 * @module
 */

import { Buffer } from "node:buffer";
// @ts-types="@types/dockerode"
import type Docker from "dockerode";
import type { ContainerCreateOptions, ContainerInspectInfo } from "dockerode";
import { pause } from "../../../base/async.ts";
import { logger } from "../../../base/log.ts";
import type { WrittenLine } from "../../wire/call_output.ts";
import type { ResourceLimits } from "./options.ts";
import { type Engine, engineStatus, type RequestBounds } from "../engine/engine.ts";
import { type Exit, killedStatus, memoryKillLine } from "./exit.ts";
import { readLogFrames, readTimedLines } from "./log_frames.ts";
import { seccompOptions } from "./seccomp.ts";

/** Attempts to remove a container, and the wait before the second, which doubles. */
const removeAttempts = 6;
const removeBackoffMs = 50;
/** Wait before asking again where the engine went away while a container ran. */
const watchBackoffMs = 500;
/** The engine learns of an out-of-memory kill apart from the exit, on a busy machine well after it. */
const oomNewsAttempts = 16;
const oomNewsDelayMs = 50;
/** Last lines of the log among which process 1 tells of such a kill. */
const memoryKillLogLines = 2;

const log = logger("runtime");

/** What the engine tells of a container when it is asked for sizes. */
interface Measured {
  /** Written to its own files, bytes. */
  readonly SizeRw?: number;
  /** What it sees beside them. */
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string }[];
}

/** A volume of which the engine was asked for the size. */
interface MeasuredVolume {
  readonly Name: string;
  readonly UsageData?: { readonly Size: number } | null;
}

/** One container, known by its name, so that it is found even if its creation was not answered. */
export class Container implements AsyncDisposable {
  /** Its name on the engine. */
  readonly name: string;
  readonly #engine: Engine;
  readonly #over = new AbortController();
  #mayExist = false;
  #started: Promise<void> | undefined;
  #disposed: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #exited: Promise<Exit> | undefined;

  /**
   * A container that does not exist yet.
   *
   * @param engine where it will be
   * @param name a new one
   */
  constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.name = name;
  }

  /**
   * A container that was made earlier.
   *
   * @param engine where it is
   * @param name its name
   */
  static existing(engine: Engine, name: string): Container {
    const container = new Container(engine, name);
    container.#mayExist = true;
    return container;
  }

  /**
   * Creates it, with no system calls but those that containers need.
   *
   * @param options see the engine's API
   * @throws as {@link Engine.ask}; an engine status of 404 means that the image is missing
   */
  async create(options: ContainerCreateOptions): Promise<void> {
    const host = options.HostConfig ?? {};
    const SecurityOpt = [...host.SecurityOpt ?? [], ...await seccompOptions(this.#engine)];
    const body = { ...options, HostConfig: { ...host, SecurityOpt } };
    this.#mayExist = true;
    try {
      await this.#engine.ask(`create container ${this.name}`, (docker) => {
        // Kept apart, or dockerode would put the options, and so the function's environment
        // variables, into the request's URL too.
        const parts = { _query: { name: this.name }, _body: body };
        return docker.createContainer(parts as ContainerCreateOptions);
      });
    } catch (error) {
      const status = engineStatus(error);
      if (status === 400 || status === 404) this.#mayExist = false;
      throw error;
    }
  }

  /** Starts it. */
  start(): Promise<void> {
    this.#started = this.#start();
    return this.#started;
  }

  /** Resolves as soon as it ended, by whatever cause; asked for only after {@link Container.start}. */
  stopped(): Promise<void> {
    this.#stopped ??= this.#watch();
    return this.#stopped;
  }

  /** Resolves some time after {@link Container.stopped}, when it is known how it ended. */
  exited(): Promise<Exit> {
    this.#exited ??= this.stopped().then(() => this.#seen());
    return this.#exited;
  }

  /**
   * Copies an archive into it.
   *
   * @param archive TAR
   * @param path an existing folder
   */
  async copy(archive: Uint8Array, path: string): Promise<void> {
    await this.#ask(
      "fill",
      (container) => container.putArchive(Buffer.from(archive), { path }),
    );
  }

  /**
   * Changes its limits while it runs; they hold when the promise resolves.
   *
   * @param limits the new ones; others stay
   */
  async update(limits: ResourceLimits): Promise<void> {
    await this.#ask("update", (container) => container.update(limits));
  }

  /**
   * How much it has written to its own files and to its image's volumes, bytes; the engine walks
   * through them to tell.
   *
   * @returns undefined if the engine does not tell
   */
  async writtenBytes(): Promise<number | undefined> {
    // docker inspect --size
    const { SizeRw, Mounts } = await this.#ask("measure", (container) => {
      return container.inspect({ size: true } as object) as Promise<Measured>;
    });
    const volumes = new Set(Mounts.filter(({ Type }) => Type === "volume").map(({ Name }) => Name));
    if (SizeRw === undefined || volumes.size === 0) return SizeRw;
    return SizeRw + await this.#volumeBytes(volumes);
  }

  /** All that the engine knows of it. */
  inspect(): Promise<ContainerInspectInfo> {
    return this.#ask("inspect", (container) => container.inspect());
  }

  /**
   * Sends a signal to its main process.
   *
   * @param signal its name
   */
  async signal(signal: string): Promise<void> {
    await this.#ask("signal", (container) => container.kill({ signal }));
  }

  /**
   * The last lines that it wrote to stdout and stderr.
   *
   * @param lines how many
   */
  async logs(lines: number): Promise<string> {
    return readLogFrames(await this.#readLog({ tail: lines }));
  }

  /**
   * The same with the time of each line.
   *
   * @param lines how many
   */
  async timedLogs(lines: number): Promise<WrittenLine[]> {
    return readTimedLines(readLogFrames(await this.#readLog({ tail: lines, timestamps: true })));
  }

  /** True if it is surely not there (any more). */
  get gone(): boolean {
    return !this.#mayExist;
  }

  /** Removes it with its volumes, running or not; logs a failure, which the next sweep repairs. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#remove().finally(async () => {
      this.#over.abort();
      await Promise.all([this.#stopped, this.#exited]); // nothing may go on behind the disposal
    });
    return this.#disposed;
  }

  /** The engine tells the sizes of volumes only of all together (docker system df --verbose). */
  async #volumeBytes(names: ReadonlySet<string | undefined>): Promise<number> {
    const { Volumes } = await this.#engine.ask(
      `measure the volumes of container ${this.name}`,
      (docker) => docker.df() as Promise<{ Volumes: MeasuredVolume[] | null }>,
    );
    return (Volumes ?? [])
      .filter(({ Name }) => names.has(Name))
      // Where a size is not known it is -1.
      .reduce((sum, { UsageData }) => sum + Math.max(0, UsageData?.Size ?? 0), 0);
  }

  async #start(): Promise<void> {
    try {
      await this.#ask("start", (container) => container.start());
    } catch (error) {
      // It was started by the first of a request that was sent twice, see fetch_modem.ts.
      if (engineStatus(error) !== 304) throw error;
    }
  }

  async #remove(): Promise<void> {
    if (!this.#mayExist) return;
    for (let attempt = 1;; attempt++) {
      try {
        const how = { force: true, v: true };
        await this.#ask("remove", (container) => container.remove(how));
        this.#mayExist = false;
        return;
      } catch (error) {
        if (engineStatus(error) === 404) {
          this.#mayExist = false;
          return;
        }
        if (attempt === removeAttempts) {
          log.error("Container {name} is left behind: {error}", {
            name: this.name,
            error: (error as Error).message,
          });
          return;
        }
      }
      await pause(removeBackoffMs * 2 ** attempt);
    }
  }

  async #watch(): Promise<void> {
    // Until it runs, waiting for it to stop would end at once.
    await this.#started?.catch(() => {});
    const bounds = { timeoutMs: Infinity, signal: this.#over.signal };
    await this.#whileThere(() => this.#ask("wait for", (container) => container.wait(), bounds));
  }

  async #seen(): Promise<Exit> {
    for (let attempt = 1;; attempt++) {
      const info = await this.#whileThere(() => this.inspect());
      if (!info) return { code: undefined, oomKilled: false };
      const { ExitCode, OOMKilled } = info.State;
      if (OOMKilled || ExitCode !== killedStatus || this.#disposed) {
        return { code: ExitCode, oomKilled: OOMKilled };
      }
      // The engine loses the news where a control group is gone before they are read; our process 1 does not.
      const log = await this.#whileThere(() => this.logs(memoryKillLogLines));
      if (log?.includes(memoryKillLine)) return { code: ExitCode, oomKilled: true };
      if (attempt === oomNewsAttempts) return { code: ExitCode, oomKilled: null };
      await pause(oomNewsDelayMs);
    }
  }

  /** Asks until there is an answer: the engine may go away, and the container survive it. */
  async #whileThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
    while (!this.#disposed) {
      try {
        return await ask();
      } catch (error) {
        // Once it is disposed nobody waits.
        if (engineStatus(error) === 404 || this.#disposed) break;
      }
      await pause(watchBackoffMs);
    }
    return undefined;
  }

  #readLog(options: { tail: number; timestamps?: boolean }): Promise<Uint8Array> {
    return this.#ask("read the log of", (container) => {
      return container.logs({ stdout: true, stderr: true, ...options });
    });
  }

  #ask<T>(
    what: string,
    request: (container: Docker.Container) => Promise<T>,
    bounds?: RequestBounds,
  ): Promise<T> {
    return this.#engine.ask(
      `${what} container ${this.name}`,
      (docker) => request(docker.getContainer(this.name)),
      bounds,
    );
  }
}

/**
 * Life of one container, from its creation until it is certainly gone.
 *
 * @module
 */

import { Buffer } from "node:buffer";
// @ts-types="@types/dockerode"
import type Docker from "dockerode";
import type { ContainerCreateOptions, ContainerInspectInfo } from "dockerode";
import { pause } from "../../../base/async.ts";
import { BackOff } from "../../../base/back_off.ts";
import { logger } from "../../../base/log.ts";
import type { WrittenLine } from "../../wire/call_output.ts";
import type { ResourceLimits } from "./options.ts";
import { type Engine, engineStatus, type RequestBounds } from "../engine/engine.ts";
import { type Exit, killedStatus, memoryKillLine } from "./exit.ts";
import { readLogFrames, readTimedLines } from "./log_frames.ts";
import { seccompOptions } from "./seccomp.ts";

/** Attempts to remove a container, and the wait before the second, which doubles. */
const removeAttempts = 6;
const removeBackoffMs = 100;
/** Wait before the next request when the engine went away while a container ran. */
const watchBackoffMs = 500;
/** The engine learns of an out-of-memory kill separately from the exit, on a busy machine well after it. */
const oomCheckAttempts = 16;
const oomCheckDelayMs = 50;
/** Last lines of the log among which process 1 tells of such a kill. */
const memoryKillLogLines = 2;

const log = logger("runtime");

/** Sizes of a container, as the engine reports them. */
interface Measured {
  /** Bytes written to its own files. */
  readonly SizeRw?: number;
  /** Mounts of the container. */
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string }[];
}

/** Size of a volume, as the engine reports it. */
interface MeasuredVolume {
  readonly Name: string;
  readonly UsageData?: { readonly Size: number } | null;
}

/** Container that is identified by its name, so that it is found even if the response to its creation was lost. */
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

  constructor(engine: Engine, name: string) {
    this.#engine = engine;
    this.name = name;
  }

  /** Creates the handle of an existing container. */
  static existing(engine: Engine, name: string): Container {
    const container = new Container(engine, name);
    container.#mayExist = true;
    return container;
  }

  /**
   * Creates the container, which may make only the system calls that containers need.
   *
   * @throws as {@link Engine.ask}; an engine status of 404 means that the image is missing
   */
  async create(options: ContainerCreateOptions): Promise<void> {
    const host = options.HostConfig ?? {};
    const SecurityOpt = [...host.SecurityOpt ?? [], ...await seccompOptions(this.#engine)];
    const body = { ...options, HostConfig: { ...host, SecurityOpt } };
    this.#mayExist = true;
    try {
      await this.#engine.ask(`create container ${this.name}`, (docker) => {
        // Separate, or dockerode would put the options, and so the function's environment
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

  /** Resolves as soon as it has ended, for whatever reason; only after {@link Container.start}. */
  stopped(): Promise<void> {
    this.#stopped ??= this.#watch();
    return this.#stopped;
  }

  /** Resolves after {@link Container.stopped}, when it is known how the container ended. */
  exited(): Promise<Exit> {
    this.#exited ??= this.stopped().then(() => this.#seen());
    return this.#exited;
  }

  /**
   * Copies a TAR archive into the container.
   *
   * @param path an existing folder
   */
  async copy(archive: Uint8Array, path: string): Promise<void> {
    await this.#ask(
      "fill",
      (container) => container.putArchive(Buffer.from(archive), { path }),
    );
  }

  /**
   * Changes the limits of the running container; they apply when the promise resolves.
   *
   * @param limits the new ones; others stay
   */
  async update(limits: ResourceLimits): Promise<void> {
    await this.#ask("update", (container) => container.update(limits));
  }

  /**
   * Bytes that it has written to its own files and to its image's volumes; the engine walks
   * through the files to sum them up.
   *
   * @returns undefined if unknown
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

  /** Returns what the engine knows of the container. */
  inspect(): Promise<ContainerInspectInfo> {
    return this.#ask("inspect", (container) => container.inspect());
  }

  /** Sends a signal to the main process. */
  async signal(signal: string): Promise<void> {
    await this.#ask("signal", (container) => container.kill({ signal }));
  }

  /** Reads the last lines that it wrote to stdout and stderr. */
  async logs(lines: number): Promise<string> {
    return readLogFrames(await this.#readLog({ tail: lines }));
  }

  /** Reads the last lines with their times. */
  async timedLogs(lines: number): Promise<WrittenLine[]> {
    return readTimedLines(readLogFrames(await this.#readLog({ tail: lines, timestamps: true })));
  }

  /** True if it certainly does not exist (any more). */
  get gone(): boolean {
    return !this.#mayExist;
  }

  /** Removes the container, running or not, with its volumes; logs a failure, which the next sweep repairs. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#remove().finally(async () => {
      this.#over.abort();
      await Promise.all([this.#stopped, this.#exited]); // Nothing may continue after the disposal.
    });
    return this.#disposed;
  }

  /** The engine reports sizes of volumes only for all of them (docker system df --verbose). */
  async #volumeBytes(names: ReadonlySet<string | undefined>): Promise<number> {
    const { Volumes } = await this.#engine.ask(
      `measure the volumes of container ${this.name}`,
      (docker) => docker.df() as Promise<{ Volumes: MeasuredVolume[] | null }>,
    );
    return (Volumes ?? [])
      .filter(({ Name }) => names.has(Name))
      // An unknown size is -1.
      .reduce((sum, { UsageData }) => sum + Math.max(0, UsageData?.Size ?? 0), 0);
  }

  async #start(): Promise<void> {
    try {
      await this.#ask("start", (container) => container.start());
    } catch (error) {
      // The request was sent twice and the first one started it, see fetch_modem.ts.
      if (engineStatus(error) !== 304) throw error;
    }
  }

  async #remove(): Promise<void> {
    if (!this.#mayExist) return;
    const backOff = new BackOff(removeBackoffMs, Infinity);
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
      await pause(backOff.failed());
    }
  }

  async #watch(): Promise<void> {
    // Waiting for the end of a container that does not run yet would return at once.
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
      // The engine misses the event if the control group is gone before it is read; our process 1 does not.
      const log = await this.#whileThere(() => this.logs(memoryKillLogLines));
      if (log?.includes(memoryKillLine)) return { code: ExitCode, oomKilled: true };
      if (attempt === oomCheckAttempts) return { code: ExitCode, oomKilled: null };
      await pause(oomCheckDelayMs);
    }
  }

  /** Repeats a request until there is a response: the engine may go away, and the container survive it. */
  async #whileThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
    while (!this.#disposed) {
      try {
        return await ask();
      } catch (error) {
        // Nobody waits for a disposed container.
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

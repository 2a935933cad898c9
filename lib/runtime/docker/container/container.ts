/**
 * Lifecycle of one container, from its creation until its removal is confirmed.
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

/** Maximum number of attempts to remove a container, and the wait before the second, ms, which doubles. */
const removeAttempts = 6;
const removeBackoffMs = 100;
/** Wait before the next request if the engine became unreachable while a container ran, ms. */
const watchBackoffMs = 500;
/**
 * Maximum number of checks for an out-of-memory kill, and the pause between them, ms. The engine receives
 * this event separately from the exit, on a busy machine much later.
 */
const oomCheckAttempts = 16;
const oomCheckDelayMs = 50;
/** Number of last log lines in which process 1 reports an out-of-memory kill. */
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

/** Container that is identified by its name, so it is found even if the response to its creation was lost. */
export class Container implements AsyncDisposable {
  /** Name of the container on the engine. */
  readonly name: string;
  readonly #engine: Engine;
  readonly #over = new AbortController();
  #mayExist = false;
  #started: Promise<void> | undefined;
  #disposed: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #exited: Promise<Exit> | undefined;

  /** Names a container, which may not exist yet. */
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
   * Creates the container with a filter that permits only the system calls that containers need.
   *
   * @throws the errors of {@link Engine.ask}; an engine status of 404 means that the image is missing
   */
  async create(options: ContainerCreateOptions): Promise<void> {
    const host = options.HostConfig ?? {};
    const SecurityOpt = [...host.SecurityOpt ?? [], ...await seccompOptions(this.#engine)];
    const body = { ...options, HostConfig: { ...host, SecurityOpt } };
    this.#mayExist = true;
    try {
      await this.#engine.ask(`create container ${this.name}`, (docker) => {
        // Query and body are separate, because dockerode would otherwise also put the options, and so
        // the function's environment variables, into the request's URL.
        const parts = { _query: { name: this.name }, _body: body };
        return docker.createContainer(parts as ContainerCreateOptions);
      });
    } catch (error) {
      const status = engineStatus(error);
      if (status === 400 || status === 404) this.#mayExist = false;
      throw error;
    }
  }

  /** Starts the container. */
  start(): Promise<void> {
    this.#started = this.#start();
    return this.#started;
  }

  /** Resolves when the container has ended for any reason. Called only after {@link Container.start}. */
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
   * @param path existing folder in the container
   */
  async copy(archive: Uint8Array, path: string): Promise<void> {
    await this.#ask(
      "fill",
      (container) => container.putArchive(Buffer.from(archive), { path }),
    );
  }

  /**
   * Changes limits of the running container. They apply when the promise resolves.
   *
   * @param limits new values; other limits do not change
   */
  async update(limits: ResourceLimits): Promise<void> {
    await this.#ask("update", (container) => container.update(limits));
  }

  /**
   * Returns the bytes that the container has written to its own files and to its image's volumes. The
   * engine walks through the files to add them up.
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

  /** Returns the container's state from the engine. */
  inspect(): Promise<ContainerInspectInfo> {
    return this.#ask("inspect", (container) => container.inspect());
  }

  /** Sends a signal to the main process. */
  async signal(signal: string): Promise<void> {
    await this.#ask("signal", (container) => container.kill({ signal }));
  }

  /** Reads the last lines that the container wrote to stdout and stderr. */
  async logs(lines: number): Promise<string> {
    return readLogFrames(await this.#readLog({ tail: lines }));
  }

  /** Reads the last lines with their times. */
  async timedLogs(lines: number): Promise<WrittenLine[]> {
    return readTimedLines(readLogFrames(await this.#readLog({ tail: lines, timestamps: true })));
  }

  /** True if the container certainly does not exist, because it was removed or not created. */
  get gone(): boolean {
    return !this.#mayExist;
  }

  /** Removes the container, running or not, and its volumes. A failure is logged; the next sweep retries. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#remove().finally(async () => {
      this.#over.abort();
      await Promise.all([this.#stopped, this.#exited]); // Nothing may continue after the disposal.
    });
    return this.#disposed;
  }

  /** Sums up sizes of volumes, which the engine reports only for all volumes (docker system df --verbose). */
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
      // The request was sent twice, and the first one has started the container; see fetch_modem.ts.
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
          log.error("Container {name} could not be removed: {error}", {
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
      // The engine misses the event if the control group is removed before it reads the event. Process 1 in
      // the container does not miss it.
      const isLast = attempt === oomCheckAttempts;
      if (attempt === 1 || isLast) {
        const log = await this.#whileThere(() => this.logs(memoryKillLogLines));
        if (log?.includes(memoryKillLine)) return { code: ExitCode, oomKilled: true };
      }
      if (isLast) return { code: ExitCode, oomKilled: null };
      await pause(oomCheckDelayMs);
    }
  }

  /** Repeats a request until there is a response, because a container can outlive a restart of the engine. */
  async #whileThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
    while (!this.#disposed) {
      try {
        return await ask();
      } catch (error) {
        // The result is not needed after the container is disposed.
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

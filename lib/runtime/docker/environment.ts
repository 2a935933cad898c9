/**
 * Functions in containers of a Docker engine.
 *
 * @module
 */

import { join } from "node:path";
import { abortable, eitherSignal, TaskSet } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import { textFile } from "../../base/text_file.ts";
import { type Config, findRuntime } from "../../config/config.ts";
import type { FunctionRecord } from "../../model/function.ts";
import { imageKey, imageOf } from "../../images/needs.ts";
import type { Runtime } from "../../model/runtimes.ts";
import { type ContainerExecutor, isSandboxed } from "../kinds/kinds.ts";
import type { OutputSink } from "../wire/call_output.ts";
import type { Claim, ExecutionEnvironment, Instance, Pull, SpareBudget } from "../environment.ts";
import { Container } from "./container/container.ts";
import { DiskWatch, engineSpace } from "./custom/disk_watch.ts";
import { Engine, engineStatus } from "./engine/engine.ts";
import { Guest } from "./guest.ts";
import { Holders } from "./pause/holders.ts";
import { ImageBook } from "../../images/records.ts";
import { Images } from "./images/images.ts";
import { functionLabel, nodeLabel } from "./names.ts";
import { Networks } from "./networks.ts";
import { Relays } from "./custom/relays.ts";
import type { Site } from "./site.ts";
import { canBecome, hasSpares, spareMemory, type SpareRuntime } from "./spare.ts";
import { Spares, type TakenSpare } from "./spares.ts";
import { startCustom } from "./custom/start.ts";
import { startExecutor } from "./start_executor.ts";

/** A runtime whose instances are containers. */
type ContainerRuntime = Runtime & { readonly executor: ContainerExecutor | "http" };

/** Where the code of functions is found, by its hash. */
export interface CodeFolders {
  /** The absolute path of a folder with the unpacked code. */
  folder(hash: string): Promise<string>;
  /** The TAR archive. */
  archive(hash: string): Promise<Uint8Array>;
  /** Keeps the folder from being removed until disposed. */
  hold(hash: string): Disposable;
}

/** What the environment needs of its node. */
export interface DockerOptions {
  /** The node's configuration. */
  readonly config: Config;
  /** Id of the node: containers are labelled with it. */
  readonly nodeId: string;
  /** Area of the node, told to functions. */
  readonly area: string;
  /** Where the code is. */
  readonly code: CodeFolders;
  /** A folder of its own, for executors and sockets. */
  readonly runDir: string;
  /** A file of its own, in which it remembers which images it has pulled and used. */
  readonly imageBook: string;
  /** Memory for spares; left out: there are none. */
  readonly spares?: SpareBudget;
  /** Keeps what functions write. */
  readonly output: OutputSink;
}

const log = logger("runtime");

/** Makes instances of functions as containers. The engine may be away and come back. */
export class DockerEnvironment implements ExecutionEnvironment {
  readonly #config: Config;
  readonly #code: CodeFolders;
  readonly #site: Site;
  /** The images on the engine. */
  readonly images: Images;
  readonly #spares: Spares | undefined;
  /** Versions of functions whose code is not for linking, by name. */
  readonly #unlinkable = new Map<string, string>();
  readonly #closing = new AbortController();
  readonly #starts = new TaskSet();

  private constructor(options: DockerOptions, site: Site, spareFolders: string) {
    this.#config = options.config;
    this.#code = options.code;
    this.#site = site;
    const images = new Images(
      site.engine,
      options.config["factory.images.refresh"],
      new ImageBook(textFile(options.imageBook)),
    );
    this.images = images;
    const budget = options.spares;
    this.#spares = budget && new Spares({ site, images, budget, folders: spareFolders });
  }

  /**
   * Opens the environment. Does not ask the engine for anything yet.
   *
   * @param options the node's
   * @throws where the folder cannot be made
   */
  static async open(options: DockerOptions): Promise<DockerEnvironment> {
    const { config, nodeId, area, runDir } = options;
    const guest = await Guest.install(runDir);
    const spareFolders = await emptyFolder(join(await Deno.realPath(runDir), "spares"));
    const engine = new Engine();
    const known = new Map<string, Container>();
    const site: Site = {
      engine,
      limits: {
        nodeId,
        pids: config["container.pids"],
        tmpMib: config["container.tmp"],
        readOnlyRoot: config["container.root"] === "readonly",
      },
      area,
      known,
      holders: new Holders(engine, nodeId, known),
      networks: new Networks(engine, nodeId),
      // It starts its relays here.
      relays: new Relays(() => site),
      disk: new DiskWatch({
        limitMib: config["container.disk"],
        space: () => engineSpace(engine),
      }),
      guest,
      maxResultBytes: config["api.result.max"] << 20,
      output: options.output,
    };
    return new DockerEnvironment(options, site, spareFolders);
  }

  /** See {@link ExecutionEnvironment.prepare}. */
  async prepare(fn: FunctionRecord, options: { refresh?: boolean } = {}): Promise<void> {
    const pulled = await this.#prepare(fn, options.refresh);
    if (!pulled) return;
    this.#spares?.drop(this.#runtime(fn).id);
    this.#spares?.refillSoon();
  }

  /** See {@link ExecutionEnvironment.start}. */
  async start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    return await this.#tracked(signal, async (either) => {
      either.throwIfAborted();
      return await this.#start(fn, either);
    });
  }

  /** See {@link ExecutionEnvironment.follow}. */
  follow(name: string, fn: FunctionRecord | undefined): void {
    if (this.#unlinkable.get(name) !== fn?.version) this.#unlinkable.delete(name);
    this.#spares?.follow(name, fn && this.#spareRuntime(fn));
  }

  /** See {@link ExecutionEnvironment.claim}. */
  claim(fn: FunctionRecord): Claim | undefined {
    if (this.#closing.signal.aborted) return undefined;
    const runtime = this.#spareRuntime(fn);
    const taken = runtime && this.#spares?.take(runtime.id);
    return taken && this.#claimOf(fn, taken, spareMemory(runtime));
  }

  /** See {@link ExecutionEnvironment.spareCounts}. */
  spareCounts(): Readonly<Record<string, number>> {
    return this.#spares?.counts ?? {};
  }

  /** See {@link ExecutionEnvironment.architectures}. */
  async architectures(fn: FunctionRecord): Promise<string[]> {
    try {
      return await this.images.architectures(imageOf(fn, this.#runtime(fn)));
    } catch {
      return [];
    }
  }

  /** See {@link ExecutionEnvironment.sweep}. */
  async sweep(): Promise<number> {
    const { engine, holders, known, limits } = this.#site;
    const filters = { label: [`${nodeLabel}=${limits.nodeId}`] };
    const containers = await engine.ask(
      "list containers",
      (docker) => docker.listContainers({ all: true, filters }),
    );
    const orphans = containers.filter(({ Names }) => !known.has(bareName(Names)));
    await Promise.all(
      orphans.map(({ Names }) =>
        Container.existing(engine, bareName(Names))[Symbol.asyncDispose]()
      ),
    );
    holders.refill();
    this.#spares?.refill();
    return orphans.filter(({ Labels }) => functionLabel in Labels).length;
  }

  /** See {@link ExecutionEnvironment.pulls}. */
  pulls(): Pull[] {
    return this.images.pulls();
  }

  /** See {@link ExecutionEnvironment.available}. */
  available(): Promise<true | string> {
    return this.#site.engine.available();
  }

  /**
   * Resolves when the background work that makes the next start fast has ended. For tests and
   * benchmarks.
   */
  async settled(): Promise<void> {
    const { holders, relays } = this.#site;
    await Promise.all([holders.filled(), relays.filled(), this.#spares?.filled()]);
  }

  /** Removes every container of this process, and its network if nothing uses it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ServerledgeError("SHUTTING_DOWN", "The node is shutting down"));
    await this.#starts.settled();
    const { disk, engine, holders, known, networks, relays } = this.#site;
    await disk[Symbol.asyncDispose]();
    await this.#spares?.[Symbol.asyncDispose]();
    await Promise.all([holders[Symbol.asyncDispose](), relays[Symbol.asyncDispose]()]);
    await Promise.all([...known.values()].map((container) => container[Symbol.asyncDispose]()));
    await networks[Symbol.asyncDispose]();
    engine[Symbol.dispose]();
  }

  /** @returns true if the image had to be pulled */
  async #prepare(fn: FunctionRecord, refresh = false): Promise<boolean> {
    const runtime = this.#runtime(fn);
    const archived = runtime.executor === "http" && !this.#site.limits.readOnlyRoot;
    const [pulled] = await Promise.all([
      this.images[refresh ? "refresh" : "ensure"](imageOf(fn, runtime), imageKey(runtime)),
      fn.codeHash && (archived ? this.#code.archive(fn.codeHash) : this.#code.folder(fn.codeHash)),
    ]);
    return pulled;
  }

  /** Runs a start that ends with the environment, and then makes ready what helps the next one. */
  async #tracked(
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<Instance>,
  ): Promise<Instance> {
    using either = eitherSignal(signal, this.#closing.signal);
    try {
      return await this.#starts.add(start(either.signal));
    } finally {
      this.#site.holders.refill();
      this.#site.relays.refill();
      this.#spares?.refillSoon();
    }
  }

  #claimOf(fn: FunctionRecord, taken: TakenSpare, memoryMib: number): Claim {
    let open = true;
    return {
      memoryMib,
      release: () => taken.booking[Symbol.dispose](),
      putBack: () => {
        open = false;
        taken.putBack();
      },
      start: (signal) => {
        open = false;
        return this.#tracked(signal, (either) => this.#startClaimed(fn, taken, either));
      },
      [Symbol.asyncDispose]: async () => {
        if (open) await discard(taken);
        open = false;
      },
    };
  }

  /** Starts a function in a spare, or from nothing if that does not work. */
  async #startClaimed(
    fn: FunctionRecord,
    taken: TakenSpare,
    signal: AbortSignal,
  ): Promise<Instance> {
    using _hold = fn.codeHash ? this.#code.hold(fn.codeHash) : undefined;
    const code = fn.codeHash ? this.#code.folder(fn.codeHash) : Promise.resolve(undefined);
    code.catch(() => {}); // told below, if it matters
    try {
      const instance = await taken.spare.become(fn, code, signal);
      taken.booking[Symbol.dispose]();
      if (instance) {
        taken.ended(true);
        return instance;
      }
      this.#unlinkable.set(fn.name, fn.version);
    } catch (error) {
      await discard(taken);
      if (signal.aborted) throw signal.reason;
      await code; // if that failed, the spare did not
      taken.ended(false);
      log.warn("{name} starts without a spare: {error}", {
        name: fn.name,
        error: (error as Error).message,
      });
    }
    return await this.#start(fn, signal);
  }

  /** @returns the function's runtime, if spares of it can become the function */
  #spareRuntime(fn: FunctionRecord): SpareRuntime | undefined {
    const runtime = findRuntime(this.#config, fn.runtime);
    if (!runtime || !hasSpares(runtime)) return undefined;
    const linkable = this.#unlinkable.get(fn.name) !== fn.version;
    return linkable && canBecome(runtime, fn) ? runtime : undefined;
  }

  async #start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    try {
      return await this.#startOnce(fn, signal);
    } catch (error) {
      if (engineStatus(error) !== 404) throw error;
      // The image or a network was removed behind our back: look again, once.
      this.images.forget(imageOf(fn, this.#runtime(fn)));
      this.#site.networks.forget();
      return await this.#startOnce(fn, signal);
    }
  }

  async #startOnce(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    const { executor, ...runtime } = this.#runtime(fn);
    const pulled = await abortable(this.#prepare(fn), signal);
    using stack = new DisposableStack();
    if (executor === "http" && !this.#site.limits.readOnlyRoot) {
      const code = fn.codeHash ? await this.#code.archive(fn.codeHash) : undefined;
      const image = imageOf(fn, { ...runtime, executor });
      return await startCustom(this.#site, { fn, image, code }, signal);
    }
    // Containers see the folder itself: it has to stay as long as they do.
    if (fn.codeHash) stack.use(this.#code.hold(fn.codeHash));
    const code = fn.codeHash ? await this.#code.folder(fn.codeHash) : undefined;
    const instance = executor === "http"
      ? await startCustom(
        this.#site,
        { fn, image: imageOf(fn, { ...runtime, executor }), code },
        signal,
      )
      : await startExecutor(this.#site, { fn, runtime: { ...runtime, executor }, code }, signal);
    if (pulled) instance.tier = "full";
    instance.keep(stack.move());
    return instance;
  }

  #runtime(fn: FunctionRecord): ContainerRuntime {
    const runtime = findRuntime(this.#config, fn.runtime);
    if (runtime && !isSandboxed(runtime.executor)) return runtime as ContainerRuntime;
    throw new ServerledgeError(
      "RUNTIME_UNKNOWN",
      `This node has no runtime ${fn.runtime}: known are ${
        [...this.#config.runtimes.keys()].join(", ")
      }`,
    );
  }
}

/** A spare will not be used. */
async function discard({ spare, booking }: TakenSpare): Promise<void> {
  await spare[Symbol.asyncDispose]();
  booking[Symbol.dispose]();
}

/** Removes what a predecessor left in a folder. */
async function emptyFolder(path: string): Promise<string> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(path);
  return path;
}

function bareName(names: readonly string[]): string {
  return (names[0] ?? "").replace(/^\//, "");
}

/**
 * Execution of functions in containers of a Docker engine.
 *
 * @module
 */

import { join } from "node:path";
import { abortable, AbortableTasks } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { textFile } from "../../base/text_file.ts";
import { type Config, findRuntime } from "../../config/config.ts";
import type { FunctionRecord } from "../../model/function.ts";
import { imageKey, imageOf } from "../../images/needs.ts";
import type { Runtime } from "../../model/runtimes.ts";
import { type ContainerExecutor, isSandboxed } from "../kinds/kinds.ts";
import type { RegistryAuths } from "../../secrets/image_logins.ts";
import { noSecrets, type SecretSource } from "../../secrets/instance_secrets.ts";
import type { OutputSink } from "../wire/call_output.ts";
import type { ResultMemory } from "../wire/result_memory.ts";
import type {
  ExecutionEnvironment,
  GenericInstance,
  GenericKind,
  Instance,
  Pull,
} from "../environment.ts";
import { Container } from "./container/container.ts";
import { DiskMonitor, engineSpace } from "./custom/disk_monitor.ts";
import { Engine, engineStatus } from "./engine/engine.ts";
import { ExecutorMounts, ownFolder } from "./executor_mounts.ts";
import { Namespaces } from "./pause/namespaces.ts";
import { ImageRecords } from "../../images/records.ts";
import { Images } from "./images/images.ts";
import { functionLabel, nodeLabel } from "./names.ts";
import { readServicePorts } from "./fence/table.ts";
import { OutboundNetwork } from "./outbound_network.ts";
import { Relays } from "./custom/relays.ts";
import type { DockerContext } from "./context.ts";
import {
  canSpecialize,
  GenericContainer,
  genericKindOf,
  type GenericRuntime,
  isGenericRuntime,
} from "./generic_container.ts";
import { SecretMounts } from "./secret_mounts.ts";
import { startCustom } from "./custom/start.ts";
import { startExecutor } from "./start_executor.ts";

/** Runtime whose instances are containers. */
type ContainerRuntime = Runtime & { readonly executor: ContainerExecutor | "http" };

/** Code of functions by its hash. */
export interface CodeFolders {
  /** Returns the absolute path of a folder with the unpacked code. */
  folder(hash: string): Promise<string>;
  /** Returns the code as a TAR archive. */
  archive(hash: string): Promise<Uint8Array>;
  /** Protects the folder from removal until the returned object is disposed. */
  hold(hash: string): Disposable;
}

/** Dependencies of the environment. */
export interface DockerOptions {
  /** The node's configuration. */
  readonly config: Config;
  /** Id of the node, a label of its containers. */
  readonly nodeId: string;
  /** Area of the node, passed to functions. */
  readonly area: string;
  readonly code: CodeFolders;
  /** Folder for executors and sockets. */
  readonly runDir: string;
  /** File with records of the images that were pulled and used. */
  readonly imageRecords: string;
  /** Source of the secrets of functions; none if absent. */
  readonly secrets?: SecretSource;
  /** Credentials of image registries; none if absent. */
  readonly auths?: RegistryAuths;
  /** Receives the output of functions. */
  readonly output: OutputSink;
  /** Memory for results. */
  readonly results: ResultMemory;
  /** Resolves when an earlier process of the node has ended, if it is still running. */
  readonly formerEnded?: Promise<void> | undefined;
}

/** Execution environment whose instances are containers. The engine may be unreachable for a while. */
export class DockerEnvironment implements ExecutionEnvironment {
  readonly #config: Config;
  readonly #code: CodeFolders;
  readonly #context: DockerContext;
  /** The images on the engine. */
  readonly images: Images;
  /** Folder for the code folders of generic containers. */
  readonly #codeFolders: string;
  /** Generic containers that are not specialized yet. */
  readonly #generics = new Set<GenericContainer>();
  #onOutdated: (kind: GenericKind) => void = () => {};
  /** Versions of functions whose code has too many files to link, by name. */
  readonly #unlinkable = new Map<string, string>();
  readonly #starts = new AbortableTasks();

  private constructor(options: DockerOptions, context: DockerContext, codeFolders: string) {
    this.#config = options.config;
    this.#code = options.code;
    this.#context = context;
    const images = new Images(
      context.engine,
      options.config["factory.images.refresh"],
      new ImageRecords(textFile(options.imageRecords)),
    );
    images.auths = options.auths;
    this.images = images;
    this.#codeFolders = codeFolders;
  }

  /**
   * Opens the environment, without a request to the engine.
   *
   * @throws if a folder cannot be created
   */
  static async open(options: DockerOptions): Promise<DockerEnvironment> {
    const { config, nodeId, area, runDir, formerEnded } = options;
    const mounts = await ExecutorMounts.install(runDir, formerEnded);
    const codeFolders = await ownFolder(join(await Deno.realPath(runDir), "generic"), formerEnded);
    const engine = new Engine();
    const known = new Map<string, Container>();
    const network = new OutboundNetwork({
      engine,
      nodeId,
      mounts,
      fenced: config["container.fence"] === "machine",
      ports: readServicePorts(config["container.reach"]),
    });
    const context: DockerContext = {
      engine,
      limits: {
        nodeId,
        pids: config["container.pids"],
        tmpMib: config["container.tmp"],
        readOnlyRoot: config["container.root"] === "readonly",
      },
      area,
      known,
      namespaces: new Namespaces(engine, nodeId, known),
      network,
      // Relays are started with this context.
      relays: new Relays(() => context),
      disk: new DiskMonitor({
        limitMib: config["container.disk"],
        space: () => engineSpace(engine),
      }),
      mounts,
      secrets: {
        source: options.secrets ?? noSecrets,
        mounts: new SecretMounts(runDir, formerEnded),
      },
      results: options.results,
      output: options.output,
    };
    return new DockerEnvironment(options, context, codeFolders);
  }

  /** Pulls the image if needed, and unpacks the code. */
  async prepare(fn: FunctionRecord, options: { refresh?: boolean } = {}): Promise<void> {
    const pulled = await this.#prepare(fn, options.refresh);
    if (!pulled) return;
    const runtime = this.#runtime(fn);
    if (isGenericRuntime(runtime)) this.#onOutdated(genericKindOf(runtime));
  }

  /** Sets the listener for kinds whose image was pulled again. */
  onOutdated(listener: (kind: GenericKind) => void): void {
    this.#onOutdated = listener;
  }

  /** Starts a container for a function. */
  async start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    return await this.#tracked(signal, (either) => this.#start(fn, either));
  }

  /** Lets a changed function use generic containers again. */
  follow(name: string, fn: FunctionRecord | undefined): void {
    if (this.#unlinkable.get(name) !== fn?.version) this.#unlinkable.delete(name);
  }

  /** Returns the kind of generic containers for a function, if there is one. */
  generic(fn: FunctionRecord): GenericKind | undefined {
    const runtime = findRuntime(this.#config, fn.runtime);
    if (!runtime || !isGenericRuntime(runtime) || !canSpecialize(runtime, fn)) return undefined;
    if (this.#unlinkable.get(fn.name) === fn.version) return undefined;
    return genericKindOf(runtime);
  }

  /** Starts a generic container. */
  async startGeneric(
    { id }: GenericKind,
    signal: AbortSignal,
  ): Promise<GenericInstance | undefined> {
    const runtime = this.#config.runtimes.get(id) as GenericRuntime;
    // The image is not pulled for a generic container, only for the first function that starts here.
    if (!await this.images.find(runtime.image).catch(() => undefined)) return undefined;
    const container = await this.#starts.run(
      signal,
      (either) =>
        GenericContainer.start(this.#context, runtime, this.#codeFolders, either).catch((error) => {
          if (!either.aborted) this.images.forget(runtime.image);
          throw error;
        }),
    );
    const { ended } = container;
    this.#generics.add(container);
    void ended.then(() => this.#generics.delete(container));
    return {
      ended,
      specialize: (fn, signal) => {
        this.#generics.delete(container);
        return this.#tracked(signal, (either) => this.#specialize(fn, container, either));
      },
      [Symbol.asyncDispose]: () => container[Symbol.asyncDispose](),
    };
  }

  /** Returns the architectures of the function's image. */
  async architectures(fn: FunctionRecord): Promise<string[]> {
    try {
      return await this.images.architectures(imageOf(fn, this.#runtime(fn)));
    } catch {
      return [];
    }
  }

  /** Leaves the outbound network and its fence to another process of the node. */
  leave(): void {
    this.#context.network.leave();
  }

  /** Removes orphaned containers of this node, and returns their number. */
  async sweep(): Promise<number> {
    const { engine, namespaces, known, limits, network } = this.#context;
    const filters = { label: [`${nodeLabel}=${limits.nodeId}`] };
    const containers = await engine.ask(
      "list containers",
      (docker) => docker.listContainers({ all: true, filters }),
    );
    const orphans = containers.filter(({ Names }) => {
      const name = bareName(Names);
      return !known.has(name) && !network.owns(name);
    });
    await Promise.all(
      orphans.map(({ Names }) =>
        Container.existing(engine, bareName(Names))[Symbol.asyncDispose]()
      ),
    );
    await network.sweep();
    namespaces.refill();
    return orphans.filter(({ Labels }) => functionLabel in Labels).length;
  }

  /** Returns the images that are being pulled. */
  pulls(): Pull[] {
    return this.images.pulls();
  }

  /** Returns true if containers can be started now, otherwise the reason. */
  available(): Promise<true | string> {
    return this.#context.engine.available();
  }

  /**
   * Resolves when namespaces and relays for the next start are ready or could not be started. For tests
   * and benchmarks.
   */
  async settled(): Promise<void> {
    const { namespaces, relays } = this.#context;
    await Promise.all([namespaces.filled(), relays.filled()]);
  }

  /** Removes every container of this process, and its network if nothing uses it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#starts.close(new ServerledgeError("SHUTTING_DOWN", "The node is shutting down"));
    const { disk, engine, namespaces, known, network: networks, relays, secrets } = this.#context;
    await disk[Symbol.asyncDispose]();
    await Promise.all([...this.#generics].map((one) => one[Symbol.asyncDispose]()));
    await Promise.all([namespaces[Symbol.asyncDispose](), relays[Symbol.asyncDispose]()]);
    await Promise.all([...known.values()].map((container) => container[Symbol.asyncDispose]()));
    await networks[Symbol.asyncDispose]();
    secrets.mounts[Symbol.dispose]();
    engine[Symbol.dispose]();
  }

  /** @returns true if the image had to be pulled */
  async #prepare(fn: FunctionRecord, refresh = false): Promise<boolean> {
    const runtime = this.#runtime(fn);
    const archived = runtime.executor === "http" && !this.#context.limits.readOnlyRoot;
    const [pulled] = await Promise.all([
      this.images[refresh ? "refresh" : "ensure"](imageOf(fn, runtime), imageKey(runtime)),
      fn.codeHash && (archived ? this.#code.archive(fn.codeHash) : this.#code.folder(fn.codeHash)),
    ]);
    return pulled;
  }

  /** Runs a start, and then starts missing namespaces and relays for the next one. */
  async #tracked<T>(signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#starts.run(signal, start);
    } finally {
      this.#context.namespaces.refill();
      this.#context.relays.refill();
    }
  }

  /** @returns undefined if the code has too many files to link */
  async #specialize(
    fn: FunctionRecord,
    generic: GenericContainer,
    signal: AbortSignal,
  ): Promise<Instance | undefined> {
    using _hold = fn.codeHash ? this.#code.hold(fn.codeHash) : undefined;
    const code = fn.codeHash ? this.#code.folder(fn.codeHash) : Promise.resolve(undefined);
    code.catch(() => {}); // An aborted specialization does not wait for it.
    const instance = await generic.specialize(fn, code, signal);
    if (!instance) this.#unlinkable.set(fn.name, fn.version);
    return instance;
  }

  async #start(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    try {
      return await this.#startOnce(fn, signal);
    } catch (error) {
      if (engineStatus(error) !== 404) throw error;
      // Another program has removed the image or a network: retry once.
      this.images.forget(imageOf(fn, this.#runtime(fn)));
      this.#context.network.forget();
      return await this.#startOnce(fn, signal);
    }
  }

  async #startOnce(fn: FunctionRecord, signal: AbortSignal): Promise<Instance> {
    const { executor, ...runtime } = this.#runtime(fn);
    const pulled = await abortable(this.#prepare(fn), signal);
    using stack = new DisposableStack();
    if (executor === "http" && !this.#context.limits.readOnlyRoot) {
      const code = fn.codeHash ? await this.#code.archive(fn.codeHash) : undefined;
      const image = imageOf(fn, { ...runtime, executor });
      return await startCustom(this.#context, { fn, image, code }, signal);
    }
    // The folder is mounted, so it must outlive the container.
    if (fn.codeHash) stack.use(this.#code.hold(fn.codeHash));
    const code = fn.codeHash ? await this.#code.folder(fn.codeHash) : undefined;
    const instance = executor === "http"
      ? await startCustom(
        this.#context,
        { fn, image: imageOf(fn, { ...runtime, executor }), code },
        signal,
      )
      : await startExecutor(this.#context, { fn, runtime: { ...runtime, executor }, code }, signal);
    if (pulled) instance.tier = "full";
    instance.keep(stack.move());
    return instance;
  }

  #runtime(fn: FunctionRecord): ContainerRuntime {
    const runtime = findRuntime(this.#config, fn.runtime);
    if (runtime && !isSandboxed(runtime.executor)) return runtime as ContainerRuntime;
    throw new ServerledgeError(
      "RUNTIME_UNKNOWN",
      `This node does not have the runtime ${fn.runtime}: known runtimes are ` +
        `${[...this.#config.runtimes.keys()].join(", ")}`,
    );
  }
}

function bareName(names: readonly string[]): string {
  return (names[0] ?? "").replace(/^\//, "");
}

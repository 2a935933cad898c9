/**
 * The execution resources of a node: environments, memory and CPU, instances, images.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { instanceLimit } from "../base/descriptors.ts";
import { asServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { HistogramKeepAlive } from "../pool/keep_alive/histogram_keep_alive.ts";
import { Janitor } from "../pool/keep_alive/janitor.ts";
import { fixedKeepAlive, type KeepAlive } from "../pool/keep_alive/keep_alive.ts";
import { ResourceLedger } from "../pool/resource_ledger.ts";
import { Pool } from "../pool/pool.ts";
import { IdleTimes } from "../pool/keep_alive/idle_times.ts";
import { GenericInstances } from "../pool/generic_instances.ts";
import { DockerEnvironment } from "../runtime/docker/environment.ts";
import { Environments } from "../runtime/environments.ts";
import { EnvironmentHealth } from "../runtime/health.ts";
import type { OutputSink } from "../runtime/wire/call_output.ts";
import { type NodeBase, resultMemory } from "./base.ts";
import { type NodeImages, openImages } from "./images.ts";
import type { NodeSecrets } from "./secrets.ts";
import type { NodeStorage } from "./storage.ts";

/**
 * Time after which orphans are looked for once more, ms: the engine may complete a container of a killed
 * node after the next start of that node.
 */
const lateOrphansMs = 10_000;

const log = logger("node");

/** Execution resources of a node. */
export interface NodeCompute {
  /** Creates instances. */
  readonly environment: Environments;
  /** Monitors the container engine. */
  readonly engine: EnvironmentHealth;
  /** Container images. */
  readonly images: NodeImages;
  /** Memory and CPU. */
  readonly ledger: ResourceLedger;
  /** Generic instances, which are specialized for functions on demand. */
  readonly generics: GenericInstances;
  readonly pool: Pool;
  /** Applies the keep-alive policy. */
  readonly janitor: Janitor;
  /**
   * Sets whether another process of this node has instances as well: none of them is an orphan then.
   */
  share(isShared: boolean): void;
  /**
   * Gives up what no request in progress needs, because another process of this node has taken over.
   */
  leave(): void;
}

/**
 * Opens the execution resources.
 *
 * @param secrets source of the secrets of functions, and logins to image registries
 * @param output receives the output of functions
 * @throws `CONFIG_INVALID` if the node's folder cannot be used
 */
export async function openCompute(
  { config, home, node, clock, predecessor, bodies, built }: NodeBase,
  { catalog, codeCache, references }: NodeStorage,
  { secrets, imageLogins }: NodeSecrets,
  output: OutputSink,
): Promise<NodeCompute> {
  const ledger = new ResourceLedger({
    memoryMib: config["container.pool.memory"],
    cpu: config["container.pool.cpus"] || navigator.hardwareConcurrency,
    instances: instanceLimit(),
  });
  const runDir = home.of("run");
  const results = resultMemory({ config, bodies });
  const common = {
    config,
    nodeId: node.id,
    process: node.incarnation,
    formerEnded: predecessor?.gone,
    area: node.area,
    code: codeCache,
    runDir,
    secrets,
    output,
    results,
  };
  const imageRecords = home.of("images.json");
  const containers = await DockerEnvironment.open({ ...common, imageRecords, auths: imageLogins });
  const openSandboxes = async () => {
    // Loading it takes time, and many nodes do not need it.
    const { SandboxEnvironment } = await import("../runtime/sandbox/environment.ts");
    return await SandboxEnvironment.open({ ...common, references });
  };
  const environment = built.use(new Environments({ config, containers, openSandboxes }));
  const generics = built.use(new GenericInstances({ environment, ledger, clock }));
  const { idleTimes, keepAlive } = keepAliveOf(config, clock);
  const pool = built.use(
    new Pool({
      ledger,
      clock,
      environment: () => environment,
      parallelStarts: config["container.starts"],
      generics,
      ...(idleTimes && { usage: idleTimes }),
    }),
  );
  const images = built.use(openImages(config, containers, catalog, clock, () => generics.refill()));
  const intervalMs = config["janitor.interval"] * 1000;
  const janitor = built.use(new Janitor({ pool, clock, intervalMs, keepAlive, idleTimes }));
  let isShared = false;
  const sweep = async () => {
    if (isShared) return;
    // Containers of a process that is handing over are still in use.
    await predecessor?.gone;
    await environment.sweep().catch(logFailure("Cannot remove orphaned containers"));
  };
  void predecessor?.gone.then(sweep);
  let cancelSweep = () => {};
  built.defer(() => cancelSweep());
  const engine = built.use(
    new EnvironmentHealth(environment, clock, () => {
      void containers.images.look();
      void (predecessor ? Promise.resolve() : sweep()).finally(() => generics.refill());
      cancelSweep();
      cancelSweep = clock.after(lateOrphansMs, () => void sweep());
    }),
  );
  const leave = () => {
    janitor[Symbol.dispose]();
    pool.leave();
    containers.leave();
    void generics[Symbol.asyncDispose]();
  };
  const share = (is: boolean) => {
    isShared = is;
    // What a process that was to take over has left.
    if (!is) void sweep();
  };
  return { environment, engine, images, ledger, generics, pool, janitor, share, leave };
}

/** The keep-alive policy, and the idle times that it learns from. */
function keepAliveOf(
  config: Config,
  clock: Clock,
): { keepAlive: KeepAlive; idleTimes?: IdleTimes } {
  const expirationMs = config["container.expiration"] * 1000;
  if (config["container.keepalive"] === "fixed") return { keepAlive: fixedKeepAlive(expirationMs) };
  const keepAlive = new HistogramKeepAlive(expirationMs);
  return { keepAlive, idleTimes: new IdleTimes(keepAlive, clock) };
}

function logFailure(what: string): (error: unknown) => void {
  return (error) => log.warn(`${what}: {reason}`, { reason: asServerledgeError(error).message });
}

/**
 * The composition root: builds a node from its configuration. The only place that names adapters.
 *
 * @module
 */

import { type Clock, systemClock } from "../base/clock.ts";
import { Deadlines } from "../base/deadlines.ts";
import { asServerledgeError, ServerledgeError } from "../base/errors.ts";
import { type LineSink, logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import type { FunctionRecord } from "../model/function.ts";
import { QosClasses } from "../model/qos.ts";
import { keepsLargeIntegers } from "../model/runtimes.ts";
import type { Policy } from "../policy/contract.ts";
import { Catalog } from "../registry/catalog.ts";
import { CodeCache } from "../registry/code/cache.ts";
import { CodeReferences } from "../registry/code/references.ts";
import { DurableResults } from "../registry/local/durable_results.ts";
import { etcdOptions } from "../registry/etcd/config.ts";
import { openKnownFunctions, openRemembering } from "../registry/local/known_functions.ts";
import { FunctionService } from "../registry/functions.ts";
import type { Registry } from "../registry/registry.ts";
import { ResultJournal } from "../registry/local/result_journal.ts";
import { openSqlite } from "../registry/local/registry.ts";
import type { OutputSink } from "../runtime/wire/call_output.ts";
import { DockerEnvironment } from "../runtime/docker/environment.ts";
import { Environments } from "../runtime/environments.ts";
import { EnvironmentWatch } from "../runtime/watch.ts";
import { ownAddress } from "../cluster/address.ts";
import { Cluster } from "../cluster/cluster.ts";
import { NodeHome } from "../cluster/home.ts";
import { PeerClient } from "../cluster/peers/client.ts";
import { noPeers } from "../cluster/peers/no_peers.ts";
import { HistogramKeepAlive } from "../pool/histogram_keep_alive.ts";
import { Janitor } from "../pool/janitor.ts";
import { fixedKeepAlive, type KeepAlive } from "../pool/keep_alive.ts";
import { Ledger } from "../pool/ledger.ts";
import { Pool } from "../pool/pool.ts";
import { Rests } from "../pool/rests.ts";
import { SpareBooks } from "../pool/spare_books.ts";
import { AsyncInvocations, interruptedResult } from "../scheduler/async_invocations.ts";
import { newsOf } from "../scheduler/news.ts";
import { Planner } from "../scheduler/planner.ts";
import type { InvocationObserver } from "../scheduler/observer.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { InvocationLog } from "../telemetry/invocation_log.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { OutputLog } from "../telemetry/output_log.ts";
import { createApp } from "../api/app.ts";
import { type ApiServer, serveApi, serverLimits } from "../api/server.ts";
import { openImages } from "./images.ts";
import { NodeServices } from "./services.ts";
import { loadPolicy } from "../policy/loader.ts";

/** Bytes of code kept on disk before what was not used for longest goes. */
const maxCodeBytes = 4 * 2 ** 30;

const log = logger("node");

/** A node that serves requests. Disposing it stops it at once; {@link RunningNode.stop} is gentle. */
export interface RunningNode extends AsyncDisposable {
  /** Where programs of this machine reach it. */
  readonly url: string;
  /** Its id. */
  readonly id: string;
  /** Resolves, never rejects, with what it has to do without, once that is known. */
  readonly without?: Promise<string | undefined>;
  /** Takes no more requests, lets those under way finish (bounded), and removes all it started. */
  stop(): Promise<void>;
}

/**
 * Starts a node.
 *
 * @param config its checked configuration
 * @param infoLines where one record for each invocation goes; none is written if left out
 * @returns once it serves requests
 * @throws `INVALID_REQUEST` if the folder, the port or the policy cannot be used
 */
export async function startNode(config: Config, infoLines?: LineSink): Promise<RunningNode> {
  await using built = new AsyncDisposableStack();
  const clock = systemClock;
  const home = built.use(NodeHome.open(config["data.dir"], config["registry.node.id"]));
  const node = {
    id: home.nodeId,
    area: config["registry.area"],
    architecture: config["node.architecture"] || machineArchitecture(),
  };
  const policy = await openPolicy(config, clock, built);
  const { codeCache, references, registry, catalog } = await openStorage(config, home, built);
  await requireOwnId(registry, home);
  const outputLog = new OutputLog(clock);
  const { environment, containers, ledger, pool, keeping } = await openPool(
    config,
    home,
    { codeCache, references },
    clock,
    (name, id, text, time) => {
      // What is left of a function that is gone must not meet one that gets its name.
      if (catalog.has(name)) outputLog.write(name, id, text, time);
    },
    built,
  );
  const images = built.use(openImages(config, containers, catalog, clock));
  const cluster = config["etcd.address"] === "" ? undefined : built.use(
    await Cluster.open({
      registry,
      node,
      home: home.folderId,
      endpoints: etcdOptions(config)?.endpoints ?? [],
      address: ownAddress(config["api.ip"], config["api.listen"]),
      url: config["api.url"],
      remoteArea: config["registry.remote.area"],
      secret: config["cluster.secret"],
      udp: config["registry.udp.address"],
      udpPort: config["registry.udp.port"],
      udpPortIsFixed: config.chosen.has("registry.udp.port"),
      nearbyMs: config["registry.nearby.interval"] * 1000,
      monitoringMs: config["registry.monitoring.interval"] * 1000,
      clock,
      random: Math.random,
      news: () => newsOf(ledger, pool, scheduler, images.stock.met),
      heard: () => scheduler.peersTold(),
    }),
  );
  const metrics = new Metrics(node.area, {
    balance: () => ledger.balance,
    instances: () => pool.count(),
    spares: () => environment.spareCounts(),
    waiting: () => scheduler.waiting,
    running: () => scheduler.running,
    exists: (name) => catalog.has(name),
  });
  pool.observe(metrics);
  const observers: InvocationObserver[] = [metrics, outputLog];
  if (infoLines) observers.push(new InvocationLog(infoLines, config["log.format"], clock.wall));
  const scheduler: Scheduler = new Scheduler({
    node,
    clock,
    deadlines: built.use(new Deadlines(clock)),
    policy,
    pool,
    ledger,
    peers: cluster ?? noPeers,
    classes: new QosClasses(config.qosClasses),
    maxHops: config["scheduler.hops"],
    find: (name) => catalog.get(name),
    supports: ({ SupportedArchs: known }) =>
      known.length === 0 || known.includes(node.architecture),
    keepsLargeIntegers: ({ Runtime }) => {
      const runtime = config.runtimes.get(Runtime);
      return !runtime || keepsLargeIntegers(runtime.executor);
    },
    images: {
      has: (record) => images.stock.has(record),
      fetch: (record) => images.prefetcher.want(record),
    },
    queueCapacity: config["scheduler.queue.capacity"],
    defaultTimeoutMs: config["invocation.timeout"] * 1000,
    observer: {
      ended: (end) => observers.forEach((observer) => observer.ended(end)),
      stopped: (name, id, traceback) => outputLog.stopped(name, id, traceback),
    },
  });
  built.use(
    new Planner({
      policy,
      clock,
      intervalMs: config["policy.plan.interval"] * 1000,
      statistics: (seconds) => ({
        arrivals: scheduler.arrivals(seconds),
        memoryMib: ledger.balance.totalMemory,
        ...(cluster ?? noPeers).surroundings(),
      }),
    }),
  );
  const results = openResults(config, home, registry, clock, built);
  const asyncInvocations = built.use(
    new AsyncInvocations({
      node: node.id,
      area: node.area,
      url: () => cluster?.url ?? "",
      clock,
      scheduler,
      registry: results ?? registry,
      ...(results && { kept: built.use(openSqlite(home.of("kept_results.db"))) }),
      ttlMs: config["async.results.expiration"] * 1000,
    }),
  );
  void asyncInvocations.recover();
  const functions = built.use(
    new FunctionService({
      registry,
      catalog,
      codeCache,
      config,
      architectures: (record) => environment.architectures(record),
    }),
  );
  const janitor = built.use(
    new Janitor({
      pool,
      clock,
      intervalMs: config["janitor.interval"] * 1000,
      ...keeping,
    }),
  );
  const engine = built.use(
    new EnvironmentWatch(environment, clock, () => {
      void containers.images.look();
      environment.sweep().catch(logFailure("Cannot remove orphaned containers"));
    }),
  );
  follow(catalog, (name, former, record) => {
    images.stock.changed(former, record);
    if (former) {
      pool.retire(former.Version);
      scheduler.replaced(former, record);
    }
    if (!record) {
      outputLog.forget(name);
      metrics.forget(name);
    }
    janitor.changed(name, record);
    environment.follow(name, record);
  }, built);

  const services = new NodeServices({
    config,
    node,
    clock,
    catalog,
    codeCache,
    functions,
    registry,
    results,
    environment,
    engine,
    images: images.keeper,
    stock: images.stock,
    ledger,
    pool,
    janitor,
    cluster,
    policy,
    scheduler,
    asyncInvocations,
    metrics,
    outputLog,
  });
  const server = built.use(
    serveApi(
      createApp(services).handle,
      { hostname: config["api.listen"], port: config["api.port"] },
      serverLimits(config),
    ),
  );
  metrics.observeServer(server.counts);
  cluster?.join(server.port);
  log.info("Node {id} in area {area} serves {url}, registry {registry}", {
    ...node,
    url: server.url,
    registry: registry.description,
  });
  const without = engine.asked.then(() => engine.state === true ? undefined : engine.state);
  return { ...running(config, node.id, server, scheduler, cluster, built.move()), without };
}

/** Refuses the id of another node that is alive, before anything of that node's is taken for left over. */
async function requireOwnId(registry: Registry, { nodeId, folderId }: NodeHome): Promise<void> {
  if (!registry.health().ok) return;
  const living = await registry.registeredNode(nodeId).catch(() => undefined);
  if (living?.Home === undefined || living.Home === folderId) return;
  using client = new PeerClient("");
  if (!await client.isAlive(living)) {
    const place = { id: nodeId, url: living.Url };
    return log.warn(
      "Node {id} was registered at {url}, which does not answer: it goes on here",
      place,
    );
  }
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `Node id ${nodeId} belongs to another node of the cluster, at ${living.Url}: set registry.node.id to ` +
      "another id, or none to get one",
  );
}

async function openPolicy(
  config: Config,
  clock: Clock,
  built: AsyncDisposableStack,
): Promise<Policy> {
  const policy = await loadPolicy(config["scheduler.policy"], {
    random: Math.random,
    now: () => clock.now(),
    settings: config.policySettings,
  }, (problem) => log.warn("{problem}", { problem }));
  built.defer(() => policy[Symbol.dispose]?.());
  return policy;
}

/** Where functions and their code are kept. */
async function openStorage(config: Config, home: NodeHome, built: AsyncDisposableStack) {
  // The cache and the registry fetch code from each other.
  const codeCache: CodeCache = new CodeCache({
    dir: home.of("code"),
    registry: { getCode: (hash) => registry.getCode(hash) },
    maxBytes: maxCodeBytes,
    // Until the catalog is open, nothing is known of functions.
    isReferenced: (hash) => known.references?.has(hash) ?? true,
  });
  const known: { references?: CodeReferences } = {};
  const registry: Registry = built.use(
    await openRegistry(config, home, (hash) => codeCache.local(hash)),
  );
  const catalog = built.use(
    config["etcd.address"] === ""
      ? await Catalog.open(registry)
      : await openRemembering(registry, built.use(openKnownFunctions(home.of("functions.db")))),
  );
  const references = known.references = built.use(new CodeReferences(catalog));
  references.onUnreferenced((hash) => void codeCache.collect(hash));
  void catalog.completed.then(() => codeCache.collect());
  return { codeCache, registry, catalog, references };
}

async function openRegistry(
  config: Config,
  home: NodeHome,
  recoverCode: (hash: string) => Promise<Uint8Array | undefined>,
): Promise<Registry> {
  const options = etcdOptions(config);
  if (!options) return openSqlite(home.of("registry.db"));
  // Costs time to load, and most nodes do without it.
  const { connectEtcd } = await import("../registry/etcd/registry.ts");
  return connectEtcd({ ...options, recoverCode });
}

/** Results of async invocations where the registry may be away; the embedded one never is. */
function openResults(
  config: Config,
  home: NodeHome,
  registry: Registry,
  clock: Clock,
  built: AsyncDisposableStack,
): DurableResults | undefined {
  if (config["etcd.address"] === "") return undefined;
  const journal = new ResultJournal(home.of("results.db"));
  return built.use(
    new DurableResults({ registry, journal, clock, interrupted: interruptedResult }),
  );
}

/** Where functions run. */
async function openPool(
  config: Config,
  home: NodeHome,
  { codeCache, references }: { codeCache: CodeCache; references: CodeReferences },
  clock: Clock,
  output: OutputSink,
  built: AsyncDisposableStack,
) {
  const ledger = new Ledger({
    memoryMib: config["container.pool.memory"],
    cpu: config["container.pool.cpus"] || navigator.hardwareConcurrency,
  });
  const spares = new SpareBooks(ledger);
  const common = {
    config,
    nodeId: home.nodeId,
    area: config["registry.area"],
    code: codeCache,
    runDir: home.of("run"),
    output,
  };
  const containers = await DockerEnvironment.open({
    ...common,
    imageBook: home.of("images.json"),
    spares,
  });
  const environment = built.use(
    new Environments({
      config,
      containers,
      openSandboxes: async () => {
        // Costs time to load, and many nodes do without it.
        const { SandboxEnvironment } = await import("../runtime/sandbox/environment.ts");
        return await SandboxEnvironment.open({ ...common, references, spares });
      },
    }),
  );
  const keeping = keepingOf(config, clock);
  const pool = built.use(
    new Pool({
      ledger,
      clock,
      environment: () => environment,
      parallelStarts: config["container.starts"],
      spares,
      ...(keeping.rests && { usage: keeping.rests }),
    }),
  );
  return { environment, containers, ledger, pool, keeping };
}

/** How long idle instances are kept, and what that is learnt from. */
function keepingOf(config: Config, clock: Clock): { keepAlive: KeepAlive; rests?: Rests } {
  const expirationMs = config["container.expiration"] * 1000;
  if (config["container.keepalive"] === "fixed") return { keepAlive: fixedKeepAlive(expirationMs) };
  const keepAlive = new HistogramKeepAlive(expirationMs);
  return { keepAlive, rests: new Rests(keepAlive, clock) };
}

/** Tells each function, and each change together with what the function was before. */
function follow(
  catalog: Catalog,
  changed: (
    name: string,
    former: FunctionRecord | undefined,
    record: FunctionRecord | undefined,
  ) => void,
  built: AsyncDisposableStack,
): void {
  const known = new Map<string, FunctionRecord>();
  const listener = (name: string, record: FunctionRecord | undefined) => {
    const former = known.get(name);
    if (record) known.set(name, record);
    else known.delete(name);
    changed(name, former, record);
  };
  for (const record of catalog.list()) listener(record.Name, record);
  built.use(catalog.onChange(listener));
}

function running(
  config: Config,
  id: string,
  server: ApiServer,
  scheduler: Scheduler,
  cluster: Cluster | undefined,
  parts: AsyncDisposableStack,
): RunningNode {
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    const drained = scheduler.drain(graceMs);
    await cluster?.leave(); // so that others look elsewhere while this one finishes
    await drained;
    // What is left are answers on their way out.
    await server.shutdown(1_000);
    await parts.disposeAsync();
  };
  return {
    url: server.url,
    id,
    stop: () => stopped ??= stop(config["shutdown.grace"] * 1000),
    [Symbol.asyncDispose]: () => stopped ??= stop(0),
  };
}

function machineArchitecture(): string {
  return Deno.build.arch === "aarch64" ? "arm64" : "amd64";
}

function logFailure(what: string): (error: unknown) => void {
  return (error) => log.warn(`${what}: {reason}`, { reason: asServerledgeError(error).message });
}

/**
 * The composition root: builds a node from its configuration. The only place that names adapters.
 *
 * @module
 */

import { systemClock } from "./base/clock.ts";
import { Deadlines } from "./base/deadlines.ts";
import { asServerledgeError } from "./base/errors.ts";
import { logger } from "./base/log.ts";
import { policies } from "../policies/mod.ts";
import type { Config } from "./model/config.ts";
import type { FunctionRecord } from "./model/function.ts";
import { QosClasses } from "./model/qos.ts";
import { Catalog } from "./registry/catalog.ts";
import { CodeCache } from "./registry/code_cache.ts";
import { FunctionService } from "./registry/functions.ts";
import type { Registry } from "./registry/registry.ts";
import { openSqlite } from "./registry/sqlite.ts";
import { DockerEnvironment } from "./runtime/docker/environment.ts";
import { EnvironmentWatch } from "./runtime/watch.ts";
import { noPeers } from "./cluster/no_peers.ts";
import { NodeHome } from "./cluster/home.ts";
import { Janitor } from "./pool/janitor.ts";
import { Ledger } from "./pool/ledger.ts";
import { Pool } from "./pool/pool.ts";
import { AsyncInvocations } from "./scheduler/async_invocations.ts";
import { Scheduler } from "./scheduler/scheduler.ts";
import { invocationLog } from "./telemetry/invocation_log.ts";
import { LogBook } from "./telemetry/log_book.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { createApp } from "./api/app.ts";
import { serveApi } from "./api/server.ts";
import { NodeServices } from "./node_services.ts";

/** Bytes of code kept on disk before what was not used for longest goes. */
const maxCodeBytes = 4 * 2 ** 30;

const log = logger("node");

/** A node that serves requests. Disposing it stops it at once; {@link RunningNode.stop} is gentle. */
export interface RunningNode extends AsyncDisposable {
  /** Where programs of this machine reach it. */
  readonly url: string;
  /** Its id. */
  readonly id: string;
  /** Takes no more requests, lets those under way finish (bounded), and removes all it started. */
  stop(): Promise<void>;
}

/**
 * Starts a node.
 *
 * @param config its checked configuration
 * @returns once it serves requests
 * @throws `INVALID_REQUEST` if the folder or the port cannot be used
 */
export async function startNode(config: Config): Promise<RunningNode> {
  await using built = new AsyncDisposableStack();
  const clock = systemClock;
  const home = built.use(NodeHome.open(config["data.dir"], config["registry.node.id"]));
  const node = { id: home.nodeId, area: config["registry.area"] };
  const architecture = config["node.architecture"] || machineArchitecture();

  // The cache and the registry fetch code from each other.
  const codeCache: CodeCache = new CodeCache({
    dir: home.of("code"),
    registry: { getCode: (hash) => registry.getCode(hash) },
    maxBytes: maxCodeBytes,
  });
  const registry: Registry = built.use(
    await openRegistry(config, home, (hash) => codeCache.local(hash)),
  );
  const catalog = built.use(await Catalog.open(registry));
  const environment = built.use(
    await DockerEnvironment.open({
      config,
      nodeId: node.id,
      area: node.area,
      code: codeCache,
      runDir: home.of("run"),
    }),
  );

  const ledger = new Ledger({
    memoryMib: config["container.pool.memory"],
    cpu: config["container.pool.cpus"] || navigator.hardwareConcurrency,
  });
  const pool = built.use(
    new Pool({
      ledger,
      clock,
      environment: () => environment,
      parallelStarts: config["container.starts"],
    }),
  );
  const logBook = new LogBook(clock);
  const metrics = new Metrics(node.area, {
    balance: () => ledger.balance,
    instances: () => pool.count(),
    waiting: () => scheduler.waiting,
    running: () => scheduler.running,
  });
  const observers = [metrics, logBook, invocationLog];
  const scheduler = new Scheduler({
    node,
    clock,
    deadlines: built.use(new Deadlines(clock)),
    policy: policies[config["scheduler.policy"]]!({
      random: Math.random,
      now: () => clock.now(),
      settings: {},
    }),
    pool,
    ledger,
    peers: noPeers,
    classes: new QosClasses(config.qosClasses),
    maxHops: config["scheduler.hops"],
    find: (name) => catalog.get(name),
    supports: ({ SupportedArchs: archs }) => archs.length === 0 || archs.includes(architecture),
    queueCapacity: config["scheduler.queue.capacity"],
    defaultTimeoutMs: config["invocation.timeout"] * 1000,
    observer: { ended: (end) => observers.forEach((observer) => observer.ended(end)) },
  });
  const asyncInvocations = built.use(
    new AsyncInvocations({
      node: node.id,
      clock,
      scheduler,
      registry,
      ttlMs: config["async.results.expiration"] * 1000,
    }),
  );
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
      idleMs: config["container.expiration"] * 1000,
    }),
  );
  const engine = built.use(
    new EnvironmentWatch(environment, clock, () => {
      environment.sweep().catch(logFailure("Cannot remove orphaned containers"));
    }),
  );

  const known = new Map<string, FunctionRecord>();
  const changed = (name: string, record: FunctionRecord | undefined) => {
    const former = known.get(name);
    if (record) known.set(name, record);
    else known.delete(name);
    if (former) {
      pool.retire(former.Version);
      scheduler.replaced(former, record);
    }
    if (!record) logBook.forget(name);
    janitor.changed(name, record);
  };
  for (const record of catalog.list()) changed(record.Name, record);
  built.use(catalog.onChange(changed));
  asyncInvocations.recover().catch(logFailure("Cannot close what was pending before the start"));

  const services = new NodeServices({
    config,
    node: { ...node, architecture },
    clock,
    catalog,
    functions,
    registry,
    environment,
    engine,
    ledger,
    pool,
    scheduler,
    asyncInvocations,
    metrics,
    logBook,
  });
  const server = built.use(
    serveApi(createApp(services), { hostname: config["api.listen"], port: config["api.port"] }),
  );
  log.info("Node {id} in area {area} serves {url}, registry {registry}", {
    ...node,
    url: server.url,
    registry: registry.description,
  });

  const parts = built.move();
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    await scheduler.drain(graceMs);
    // What is left are answers on their way out.
    await server.shutdown(1_000);
    await parts.disposeAsync();
  };
  return {
    url: server.url,
    id: node.id,
    stop: () => stopped ??= stop(config["shutdown.grace"] * 1000),
    [Symbol.asyncDispose]: () => stopped ??= stop(0),
  };
}

async function openRegistry(
  config: Config,
  home: NodeHome,
  recoverCode: (hash: string) => Promise<Uint8Array | undefined>,
): Promise<Registry> {
  const endpoints = config["etcd.address"].split(",").map((part) => part.trim()).filter(Boolean);
  if (endpoints.length === 0) return openSqlite(home.of("registry.db"));
  // Costs 50 ms to load, and most nodes do without it.
  const { connectEtcd } = await import("./registry/etcd.ts");
  return connectEtcd({
    endpoints,
    username: config["etcd.username"] || undefined,
    password: config["etcd.password"] || undefined,
    tls: config["etcd.tls.ca"]
      ? {
        ca: Deno.readFileSync(config["etcd.tls.ca"]),
        cert: readOptional(config["etcd.tls.cert"]),
        key: readOptional(config["etcd.tls.key"]),
      }
      : undefined,
    recoverCode,
  });
}

function readOptional(path: string): Uint8Array | undefined {
  return path ? Deno.readFileSync(path) : undefined;
}

function machineArchitecture(): string {
  return Deno.build.arch === "aarch64" ? "arm64" : "amd64";
}

function logFailure(what: string): (error: unknown) => void {
  return (error) => log.warn(`${what}: {reason}`, { reason: asServerledgeError(error).message });
}

/**
 * The load balancer of a region, composed of its parts. Several balancers of one region run in
 * parallel and share nothing: they build the same ring, and each counts its own requests.
 *
 * @module
 */

import type { Trust } from "../http/tls/trust.ts";
import type { Authenticator } from "../access/authenticator.ts";
import type { AuditTrail } from "../api/audit_trail.ts";
import type { HttpHandler } from "../http/server/messages.ts";
import type { Clock } from "../base/clock.ts";
import { NodeClient } from "../cluster/peers/node_client.ts";
import type { ClusterAuth } from "../cluster/trust/cluster_auth.ts";
import type { Config } from "../config/config.ts";
import type { NodeObserver, Registry } from "../registry/registry.ts";
import type { Catalog } from "../registry/catalog.ts";
import { createBalancerApp } from "./app.ts";
import { ArchitectureChooser } from "./architectures/architecture.ts";
import { HealthChecks } from "./health.ts";
import { BalancerMetrics } from "./metrics.ts";
import { Proxy } from "./proxy.ts";
import { Router } from "./router.ts";
import { type BalancerStatus, balancerStatus } from "./status.ts";
import { ImageSpreader } from "./image_spreader.ts";
import { TargetTable } from "./target_table.ts";

/** Dependencies and settings of a {@link Balancer}. */
export interface BalancerOptions {
  readonly config: Config;
  readonly node: { readonly id: string; readonly area: string; readonly version: string };
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Authenticates clients. */
  readonly access: Authenticator;
  /** Audit record; undefined if there is none. */
  readonly audit?: { readonly trail: AuditTrail; problems(): string[] } | undefined;
  /** Tokens of an identity provider; undefined if none are accepted. */
  readonly tokens?: { problems(): string[] } | undefined;
  /** Authentication between the nodes of the cluster; undefined without a secret. */
  readonly auth?: ClusterAuth | undefined;
  readonly registry: Pick<Registry, "watchNodes" | "description" | "health">;
  /** Certificates of nodes that are accepted in addition to those of public authorities. */
  readonly trust?: Trust | undefined;
  /** TLS port of the balancer. */
  readonly tls?: { problems(): string[] } | undefined;
  readonly catalog: Pick<Catalog, "get" | "size" | "onChange">;
}

/** A balancer that follows its registry, without the HTTP server. */
export class Balancer implements AsyncDisposable {
  readonly #options: BalancerOptions;
  readonly #startedAt: number;
  readonly #table: TargetTable;
  readonly #parts: AsyncDisposableStack;
  #isShuttingDown = false;
  /** Handles client requests. */
  readonly handle: HttpHandler;
  /** Counters and gauges of its requests and nodes. */
  readonly metrics: BalancerMetrics;

  private constructor(options: BalancerOptions, parts: AsyncDisposableStack) {
    const { config, clock, catalog, auth } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#parts = parts;
    const client = parts.use(new NodeClient(auth?.signer, options.trust));
    const health = parts.use(
      new HealthChecks(client, clock, {
        intervalMs: config["lb.health.interval"] * 1000,
        refreshMs: config["lb.refresh_interval"] * 1000,
      }),
    );
    this.#table = new TargetTable({
      area: options.node.area,
      replicas: config["lb.replicas"],
      clock,
      distrust: (record) => auth?.registrations.problemOf(record),
      onJoin: (target) => health.add(target),
      onLeave: (target) => health.remove(target),
    });
    const architectures = config["lb.arch_awareness"]
      ? new ArchitectureChooser(config, options.random)
      : undefined;
    // What was learned about a function is not valid for its successor.
    parts.use(catalog.onChange((name) => architectures?.forget(name)));
    const imageSpreader = parts.use(new ImageSpreader(client, clock));
    const metrics = this.metrics = new BalancerMetrics(() => this.#table.all);
    this.handle = createBalancerApp({
      id: options.node.id,
      listen: config["api.listen"],
      access: options.access,
      audit: options.audit?.trail,
      metricsEnabled: config["metrics.enabled"],
      router: new Router(
        this.#table,
        config["lb.load.factor"],
        architectures,
        (image, lacking) => imageSpreader.request(image, lacking),
      ),
      proxy: new Proxy(options.node.id, client, this.#table, {
        retried: () => metrics.retried(),
        failed: (target) => health.check(target),
      }),
      metrics,
      now: () => clock.now(),
      find: (name) => catalog.get(name),
      status: () => this.status(),
      health: () => this.health(),
    });
  }

  /**
   * Creates a balancer.
   *
   * @returns once it knows the nodes, or without them if the registry does not respond yet
   */
  static async open(options: BalancerOptions): Promise<Balancer> {
    await using unfinished = new AsyncDisposableStack();
    const parts = unfinished.use(new AsyncDisposableStack());
    const balancer = new Balancer(options, parts);
    const observer: NodeObserver = {
      reset: (records) => balancer.#table.reset(records),
      put: (record) => balancer.#table.put(record),
      remove: (id) => balancer.#table.remove(id),
    };
    parts.use(await options.registry.watchNodes(observer));
    unfinished.move();
    return balancer;
  }

  /** Returns the status of the balancer and of its nodes. */
  status(): BalancerStatus {
    const { node, clock, catalog, registry } = this.#options;
    return balancerStatus({
      node,
      targets: this.#table.all,
      functions: catalog.size,
      registry: { description: registry.description, health: registry.health() },
      uptimeS: Math.floor((clock.now() - this.#startedAt) / 1000),
      unixTimeS: Math.floor(clock.wall() / 1000),
    });
  }

  /** Whether requests can be forwarded, and current problems. */
  health(): { ok: boolean; problems: string[] } {
    const registry = this.#options.registry.health();
    const { tls, tokens, audit } = this.#options;
    const problems = [tls, tokens, audit].flatMap((part) => part?.problems() ?? []);
    if (!registry.ok) problems.push(`registry: ${registry.reason}`);
    for (const { record, problem } of this.#table.all) {
      if (problem !== undefined) problems.push(`node ${record.id}: ${problem}`);
    }
    const isServed = this.#table.all.some((target) => target.isHealthy);
    if (this.#table.all.length === 0) problems.push("the area has no nodes");
    if (this.#isShuttingDown) problems.push("the load balancer is shutting down");
    return { ok: isServed && !this.#isShuttingDown, problems };
  }

  /** Reports the balancer as shutting down in its health check. */
  beginShutdown(): void {
    this.#isShuttingDown = true;
  }

  /** Stops following the registry and checking nodes, and closes the connections to them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/**
 * The composition root of a node: builds it from its configuration. This package is the only one
 * that names adapters.
 *
 * @module
 */

import { listenOptions } from "../api/server.ts";
import { systemClock } from "../base/clock.ts";
import type { LineSink } from "../base/log.ts";
import { NodeHome } from "../cluster/home.ts";
import { clusterAuth } from "../cluster/trust/cluster_auth.ts";
import type { Config } from "../config/config.ts";
import type { CatalogListener } from "../registry/catalog.ts";
import { FunctionService } from "../registry/functions.ts";
import { localStatus } from "../scheduler/local_status.ts";
import { OutputLog } from "../telemetry/output_log.ts";
import { openAccess } from "./access.ts";
import { openAudit } from "./audit.ts";
import { startBackground } from "./background.ts";
import { bodyBudget, identityOf, type NodeBase } from "./base.ts";
import { type NodeCompute, openCompute } from "./compute.ts";
import { openCluster, requireClusterAuth, requireUniqueId } from "./cluster.ts";
import { type NodeRequests, openPolicy, openRequests } from "./requests.ts";
import { openSecrets, restartOnChange } from "./secrets.ts";
import { openStorage } from "./storage.ts";
import { type RunningNode, serveNode } from "./serve.ts";

/**
 * Starts a node.
 *
 * @param config validated configuration
 * @param infoLines receives one record per invocation; none are written if absent
 * @returns once it serves requests
 * @throws `CONFIG_INVALID` if the folder, the port or the policy cannot be used, or a node that others
 *   can reach has no `cluster.secret`
 */
export async function startNode(config: Config, infoLines?: LineSink): Promise<RunningNode> {
  requireClusterAuth(config);
  await using built = new AsyncDisposableStack();
  const clock = systemClock;
  const home = built.use(NodeHome.open(config["data.dir"], config["registry.node.id"]));
  const node = identityOf(config, home.nodeId);
  const self = { id: node.id, process: node.incarnation };
  const auth = clusterAuth(config["cluster.secret"], self, clock);
  const base: NodeBase = { config, home, node, clock, auth, bodies: bodyBudget(config), built };
  const policy = await openPolicy(base);
  const storage = await openStorage(base);
  const { catalog, registry } = storage;
  const access = await openAccess({ ...base, ...storage });
  const audit = openAudit({ ...base, ...access });
  const secrets = await openSecrets(base, storage);
  await requireUniqueId(registry, base);
  const outputLog = new OutputLog(clock);
  const compute = await openCompute(base, storage, secrets, (name, id, text, time) => {
    // Late output of a deleted function must not appear in the log of a new one with its name.
    if (catalog.has(name)) outputLog.write(name, id, text, time);
  });
  const { environment, images, ledger, pool } = compute;
  const cluster = await openCluster(base, registry, {
    status: () => localStatus(ledger, pool, requests.scheduler, images.availability.present),
    onStatus: () => requests.scheduler.onPeerStatus(),
  });
  const requests: NodeRequests = openRequests(
    base,
    { policy, storage, compute, cluster, outputLog, infoLines },
  );
  const architectures = environment.architectures.bind(environment);
  const functions = built.use(new FunctionService({ ...storage, config, architectures }));
  for (const listener of listeners(compute, requests)) built.use(catalog.follow(listener));
  built.use(restartOnChange(secrets, () => catalog.list(), ({ version }) => pool.restart(version)));
  const parts = {
    ...base,
    ...storage,
    ...access,
    audit,
    ...secrets,
    ...compute,
    ...requests,
    functions,
    cluster,
  };
  const listen = await listenOptions(config);
  if (listen.tls) built.use(listen.tls);
  const running = serveNode({ ...parts, listen, background: startBackground(parts) });
  home.keep();
  return running;
}

/** Listeners for function changes: those that release the former version come first. */
function listeners(
  { environment, generics, images, pool, janitor }: NodeCompute,
  { scheduler, outputLog, metrics }: NodeRequests,
): CatalogListener[] {
  return [
    (_, record, former) => images.availability.changed(former, record),
    (_, _record, former) => former && pool.retire(former.version),
    (_, record, former) => former && scheduler.functionReplaced(former, record),
    (name, record) => record ?? outputLog.forget(name),
    (name, record) => record ?? metrics.forget(name),
    (name, record) => janitor.changed(name, record),
    (name, record) => environment.follow(name, record),
    (name, record) => generics.changed(name, record),
  ];
}

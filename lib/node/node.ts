/**
 * The composition root of a node: builds it from its configuration. This package is the only one
 * that names adapters.
 *
 * @module
 */

import { listenOptions } from "../api/server.ts";
import { systemClock } from "../base/clock.ts";
import type { LineSink } from "../base/log.ts";
import { ServerledgeError } from "../base/errors.ts";
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
import { Predecessor } from "./handover/predecessor.ts";
import { handoverSocket } from "./handover/successor.ts";
import { warmUp } from "./handover/warm_up.ts";
import { type NodeRequests, openPolicy, openRequests } from "./requests.ts";
import { openSecrets, restartOnChange } from "./secrets.ts";
import { openStorage } from "./storage.ts";
import { type RunningNode, serveNode } from "./serve.ts";

/** How a node starts. */
export interface StartOptions {
  /** Receives one record per invocation; none are written if absent. */
  readonly infoLines?: LineSink | undefined;
  /** True to take over from the running process of this node, if there is one. */
  readonly replaces?: boolean;
}

/**
 * Starts a node.
 *
 * @param config validated configuration
 * @returns once it serves requests
 * @throws `CONFIG_INVALID` if the folder, the port or the policy cannot be used, or a node that others
 *   can reach has no `cluster.secret`
 */
export async function startNode(
  config: Config,
  { infoLines, replaces = false }: StartOptions = {},
): Promise<RunningNode> {
  requireClusterAuth(config);
  await using built = new AsyncDisposableStack();
  const clock = systemClock;
  const predecessor = replaces ? await Predecessor.ask(handoverSocket(config)) : undefined;
  if (predecessor) built.use(predecessor);
  const home = built.use(openHome(config, predecessor));
  const node = identityOf(config, home.nodeId);
  const self = { id: node.id, process: node.incarnation };
  const auth = clusterAuth(config["cluster.secret"], self, clock, predecessor?.gone);
  const bodies = bodyBudget(config);
  const base: NodeBase = { config, home, node, clock, auth, predecessor, bodies, built };
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
  if (predecessor) await warmUp(base, storage, compute);
  const listen = await listenOptions(config, predecessor?.ports);
  if (listen.tls) built.use(listen.tls);
  const running = serveNode({ ...parts, listen, background: startBackground(parts) });
  home.keep();
  return running;
}

function openHome(config: Config, predecessor: Predecessor | undefined): NodeHome {
  const { "data.dir": folder, "registry.node.id": id } = config;
  if (!predecessor) return NodeHome.open(folder, id);
  const home = NodeHome.inherit(folder, id, predecessor.gone);
  if (home.nodeId === predecessor.nodeId) return home;
  throw new ServerledgeError(
    "CONFIG_INVALID",
    `The running node has the id ${predecessor.nodeId}, and its successor must have the same: ` +
      "leave registry.node.id as it is, or stop the node first",
  );
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

/**
 * Every key of the configuration with its kind, default, unit and meaning.
 *
 * @module
 */

import * as v from "valibot";
import { isPolicy, policyNames } from "../model/policy_names.ts";
import {
  choice,
  endpoints,
  flag,
  name,
  number,
  optionalName,
  port,
  rows,
  seconds,
  servicePorts,
  type Setting,
  setting,
  text,
} from "./setting_kinds.ts";

/** Every key of the configuration, in the order in which it is shown. */
export const settings = {
  "api.listen": text(
    "127.0.0.1",
    "Address to listen on; 0.0.0.0 accepts connections from the network",
  ),
  "api.port": port(1323, "Port of the HTTP API; 0: any free port"),
  "api.ip": setting(v.union([v.literal(""), v.pipe(v.string(), v.ip())]), "an IP address")(
    "",
    "Address at which other nodes reach this node; empty: api.listen if it is a single address, else this machine's first address",
  ),
  "api.url": setting(
    v.union([
      v.literal(""),
      v.pipe(v.string(), v.check(isBaseUrl), v.transform((url) => new URL(url).origin)),
    ]),
    "http[s]://HOST or http[s]://HOST:PORT",
  )(
    "",
    "URL at which other nodes reach this node, if it is behind a proxy or a port mapping; empty: derived from api.ip and api.port",
  ),
  "api.tls.cert": text(
    "",
    "PEM file with the certificate of the API, followed by intermediate CA certificates; enables TLS; reloaded when it changes",
  ),
  "api.tls.key": text(
    "",
    "PEM file with the private key of api.tls.cert, without a passphrase; reloaded when it changes",
  ),
  "api.tls.port": setting(
    v.union([v.literal(""), port(0, "").schema]),
    "an integer from 0 to 65535, or empty",
  )(
    "",
    "Port of HTTPS in addition to HTTP at api.port; 0: any free port; empty: api.port serves HTTPS only",
  ),
  "api.body.max": number(1, 1024)(
    6,
    "Maximum size of a request body, MiB; uploads of code are limited by code.max instead",
  ),
  "api.result.max": number(1, 48)(
    32,
    "Maximum size of a function's result as a quoted JSON string, MiB; streamed responses are not limited",
  ),
  "api.bodies.memory": number(0, 1 << 24)(
    0,
    "Memory for the bodies of all requests in progress (each counted twice), for uploaded code while it is unpacked, and for large results until they are sent or stored, MiB; 0: an eighth of container.pool.memory. The minimum is two bodies of the maximum size, and four times code.max",
  ),
  "api.connections.max": number(0, 1 << 20)(
    0,
    "Maximum number of client connections; 0: the process's limit of file descriptors (ulimit -n), less a reserve",
  ),
  "api.connections.client": number(0, 1 << 20)(
    0,
    "Maximum number of connections from one client address other than loopback (for IPv6, from one /64 network); 0: half of api.connections.max",
  ),
  "api.idle.timeout": number(1, 86_400, false)(
    75,
    "How long an idle connection is kept open, s",
  ),
  "fn.debug": flag(
    false,
    "Include the traceback and the output in responses to failed requests to /fn, for any client",
  ),
  "data.dir": text(
    "",
    "Directory for the registry, code and sockets; empty: the StateDirectory of a systemd service, /var/lib/serverledge for root, else ~/.local/share/serverledge",
  ),
  "etcd.address": endpoints(
    "",
    "Client addresses of the etcd members, usually on port 2379; empty: embedded registry",
  ),
  "etcd.username": text("", "User name for etcd"),
  "etcd.password": text("", "Password for etcd", true),
  "etcd.tls.ca": text(
    "",
    "PEM file with the CA certificate of etcd; enables TLS; empty: the CAs that this machine trusts",
  ),
  "etcd.tls.cert": text("", "PEM file with the client certificate for etcd; enables TLS"),
  "etcd.tls.key": text("", "PEM file with the private key of etcd.tls.cert"),
  "code.max": number(1, 1024)(
    64,
    "Maximum size of a request that creates or updates a function, and of code downloaded from a URL, MiB",
  ),
  "code.url.loopback": flag(
    false,
    "Allow code URLs that point to this machine (an address of its interfaces, or a container on it) or to link-local addresses",
  ),
  "registry.area": name("ROME", "Area (edge zone or cloud region) that the node belongs to"),
  "registry.remote.area": optionalName(
    "",
    "Area (the cloud) to which requests are offloaded vertically; empty: none",
  ),
  "registry.udp.port": port(
    9876,
    "UDP port for status datagrams from other nodes; 0: any free port, also used if the default port is taken",
  ),
  "registry.udp.address": setting(
    v.union([v.literal(""), v.pipe(v.string(), v.regex(/^(\[[0-9a-fA-F:.]+\]|[0-9.]+):\d{1,5}$/))]),
    "ADDRESS:PORT, an IPv6 address in brackets",
  )(
    "",
    "Address and port at which status datagrams from other nodes reach this node, if it is behind a port mapping; empty: derived from api.ip and registry.udp.port",
  ),
  "registry.nearby.interval": number(0.05, 3600, false)(
    2,
    "Interval between status requests to a sample of the other nodes, s",
  ),
  "registry.monitoring.interval": number(0.05, 3600, false)(
    5,
    "Interval between health checks of the remote area's load balancers, s",
  ),
  "registry.node.id": optionalName(
    "",
    "Id of the node; empty: generated once and kept in data.dir",
  ),
  "cluster.secret": text(
    "",
    "Shared secret that signs messages between nodes; empty: unsigned",
    true,
  ),
  "secrets.key": text(
    "",
    "File with the keys that encrypt secrets, mode 0600, or the keys themselves; the same on all nodes of a cluster. Empty: secrets.key in data.dir, which a node without etcd creates for its first secret",
    true,
  ),
  "api.auth": choice("", "keys", "none")(
    "",
    "Whether requests need a key. Empty: as soon as there is a key, and always if api.listen is not loopback; keys: always; none: never, anyone who can reach the node can run code on its machine",
  ),
  "api.tokens.issuer": text(
    "",
    "Identity provider whose signed tokens (JWT) are accepted in addition to keys: the claim iss; empty: none. Requests then always need a key or token",
  ),
  "api.tokens.audience": text("", "Claim aud of tokens for this service"),
  "api.tokens.jwks": text(
    "",
    "File, or URL, with the public keys of the issuer (JWKS); read again when the file changes, or every 5 minutes and for tokens with unknown keys",
  ),
  "api.tokens.ca": text(
    "",
    "PEM file with the CA certificate of the URL in api.tokens.jwks; public CAs are trusted in any case",
  ),
  "api.tokens.rights": rows(
    "",
    "Rights of tokens. The first row whose claim has the value (with * for any characters) counts; its other fields, role, functions, classes, rate, burst, concurrency and memory, are those of keys",
  ),
  "audit.records": choice("", "none", "changes", "requests", "invocations")(
    "",
    "What the audit record has in addition to refused requests: changes: requests of deployers and admins; requests: also those that read; invocations: also invocations; none: nothing, nor refused requests. Empty: requests if requests need a key, else none",
  ),
  "audit.file": text(
    "",
    "File of the audit record, JSON lines; empty: audit.log in data.dir, for a load balancer lb-audit.log",
  ),
  "audit.size": number(4, 1 << 20)(
    64,
    "Maximum size of the audit record, MiB: the file and three former ones (.1 to .3), which are replaced in turn",
  ),
  "cluster.auth": choice("none", "")(
    "",
    "none: allow a cluster node to listen beyond loopback without cluster.secret; anyone who can reach it can then pose as a node",
  ),
  "cluster.tls.ca": text(
    "",
    "PEM file with the CA certificates, or self-signed certificates, of peers with https:// URLs; public CAs are trusted in any case",
  ),
  "node.architecture": choice("amd64", "arm64", "")(
    "",
    "CPU architecture of the node; empty: that of this machine",
  ),
  "container.pool.memory": number(16, 1 << 24)(1024, "Memory for instances, MiB"),
  "container.pool.cpus": number(0, 4096, false)(
    0,
    "CPU for busy instances, cores; 0: all cores of this machine",
  ),
  "container.expiration": seconds(600, "How long an idle instance is kept warm, s"),
  "container.keepalive": choice("fixed", "histogram")(
    "fixed",
    "fixed: idle instances are kept for container.expiration; histogram: keep-alive and pre-warm windows follow each function's observed idle times (container.expiration for functions without a pattern)",
  ),
  "container.starts": number(1, 64)(4, "Maximum number of instances that start at the same time"),
  "container.pids": number(16, 1 << 22)(
    256,
    "Maximum number of processes and threads in a container",
  ),
  "container.tmp": number(1, 1 << 20)(
    64,
    "Size of a container's /tmp, MiB; its files count toward the container's memory",
  ),
  "container.disk": number(0, 1 << 24)(
    1024,
    "Maximum amount that an instance of a custom image may write to its file system and volumes before it is terminated, MiB; 0: no limit",
  ),
  "container.root": choice("writable", "readonly")(
    "writable",
    "Root file system of custom images: writable, or readonly except for /tmp (container.tmp)",
  ),
  "container.fence": choice("machine", "none")(
    "machine",
    "What containers with Network bridge cannot reach, in addition to each other: machine: this machine and link-local addresses; none: nothing else",
  ),
  "container.reach": servicePorts(
    "",
    "Services of this machine that containers with Network bridge can reach in spite of container.fence; empty: none",
  ),
  "sandbox.generic": number(0, 64)(
    1,
    "Generic sandboxes kept ready for functions of the runtimes deno and wasm; started once such a function exists",
  ),
  "sandbox.launcher": text(
    "",
    "Program and arguments, separated by spaces, that run sandboxes on machines that cannot run them directly, for example an emulator; empty: none",
  ),
  "janitor.interval": number(0.01, 86_400, false)(
    30,
    "Interval between removals of expired instances, s",
  ),
  "factory.images.refresh": flag(false, "Pull each image once even if it is present"),
  "scheduler.policy": setting(
    v.pipe(v.string(), v.check(isPolicy)),
    `${policyNames.join(", ")}, or the path of a .js or .ts file`,
  )("default", "Scheduling policy; keys policy.* are its settings"),
  "scheduler.queue.capacity": number(0, 1_000_000)(
    1000,
    "Maximum number of requests that wait for resources; 0: none",
  ),
  "scheduler.hops": number(0, 16)(
    1,
    "Maximum number of times a request is offloaded from node to node; 0: never",
  ),
  "offload.default": flag(
    true,
    "Allow offloading of requests without CanDoOffloading; the Go prototype's default is false",
  ),
  "policy.plan.interval": number(1, 86_400, false)(
    10,
    "Interval between plans of policies that plan ahead, s",
  ),
  "invocation.timeout": number(0.001, 86_400, false)(
    60,
    "Execution timeout of functions without TimeoutMs, s",
  ),
  "async.results.expiration": seconds(
    1800,
    "How long the result of an asynchronous invocation is kept, s",
  ),
  "lb.replicas": number(1, 4096)(128, "Points per node on the load balancer's hash ring"),
  "lb.refresh_interval": number(0.1, 86_400, false)(
    30,
    "Interval at which the load balancer requests each node's free memory and CPU, s",
  ),
  "lb.health.interval": number(0.05, 3600, false)(
    2,
    "Interval between the load balancer's health checks of nodes, s",
  ),
  "lb.load.factor": number(1, 1000, false)(
    1.25,
    "Maximum number of in-flight requests on one node, as a multiple of the mean over all nodes",
  ),
  "lb.arch_awareness": flag(
    false,
    "Let the load balancer choose an architecture for each request, according to lb.mode",
  ),
  "lb.mode": choice("RoundRobin", "MAB", "random")(
    "RoundRobin",
    "How the load balancer chooses between amd64 and arm64: alternately, with a multi-armed bandit (mab.*), or at random",
  ),
  "mab.policy": choice("UCB1", "LinUCB")(
    "UCB1",
    "Bandit algorithm of the load balancer if lb.mode is MAB",
  ),
  "mab.ucb1.c": number(0, 1000, false)(0.8, "UCB1: weight of exploration"),
  "mab.linucb.alpha": number(0, 1000, false)(0.1, "LinUCB: weight of exploration"),
  "mab.linucb.lambda": number(0, 1000, false)(
    0,
    "LinUCB: penalty for memory use above 75%",
  ),
  "metrics.enabled": flag(true, "Serve metrics at GET /metrics"),
  "shutdown.grace": seconds(30, "How long a node that shuts down waits for running invocations, s"),
  "log.level": choice("debug", "info", "warning", "error")(
    "info",
    "Minimum severity of log records",
  ),
  "log.format": choice("text", "json")("text", "Format of log records on standard error"),
} as const;

/** Setting `runtimes.<id>.generic`. */
export const runtimeGeneric: Setting<number> = number(0, 16)(
  1,
  "Generic instances of the runtime kept ready, so that the first start of a function only " +
    "loads its code; started once a function of the runtime exists",
);

/** Fields of a class of service, below `qos.<class>.`. */
export const qosFields = {
  id: number(0, 1_000_000)(0, "Number that requests can use in place of the name"),
  utility: number(0, 1e9, false)(1, "Utility of a response within the limit"),
  penalty: number(0, 1e9, false)(0, "Cost of a late response"),
  limit: seconds(0, "Response-time limit of requests without one, s; 0: none"),
  completion: number(0, 1, false)(0, "Fraction of the class's requests that must be served"),
  weight: number(0.001, 1e6, false)(
    1,
    "Weight of the class relative to other classes when resources are scarce",
  ),
} as const;

/** Name of a field of a class of service. */
export type QosField = keyof typeof qosFields;

/** True for the name of a field of a class of service. */
export function isQosField(field: string): field is QosField {
  return Object.hasOwn(qosFields, field);
}

/** A key of the configuration. */
export type SettingKey = keyof typeof settings;

/** Type of a key's value. */
export type SettingValue<S> = S extends Setting<infer T> ? T : never;

/** Returns true for a base URL of a node, to which other nodes append paths. */
function isBaseUrl(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed !== undefined && /^https?:$/.test(parsed.protocol) &&
    parsed.href === `${parsed.origin}/`;
}

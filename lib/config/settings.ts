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
  seconds,
  servicePorts,
  type Setting,
  setting,
  text,
} from "./setting_kinds.ts";

/** Every key of the configuration, in the order in which it is shown. */
export const settings = {
  "api.listen": text("127.0.0.1", "Address to listen on; 0.0.0.0 opens the node to the network"),
  "api.port": port(1323, "Port of the HTTP API; 0 takes a free one"),
  "api.ip": setting(v.union([v.literal(""), v.pipe(v.string(), v.ip())]), "an IP address")(
    "",
    "Address by which other nodes reach this one; empty: api.listen if it is one address, else this machine's first",
  ),
  "api.url": setting(
    v.union([
      v.literal(""),
      v.pipe(v.string(), v.check(isBaseUrl), v.transform((url) => new URL(url).origin)),
    ]),
    "http://HOST or http://HOST:PORT",
  )(
    "",
    "URL by which other nodes reach this one, where a proxy or a port mapping stands between; empty: from api.ip and api.port",
  ),
  "api.body.max": number(1, 1024)(6, "Largest request body, MiB; of code it is code.max"),
  "api.result.max": number(1, 48)(
    32,
    "Largest result of a function, in JSON and quoted, MiB; what a function streams has no bound",
  ),
  "api.bodies.memory": number(0, 1 << 24)(
    0,
    "Memory for the bodies of all requests that are read, wait and run, each counted twice, for the code that uploads bring, unpacked, and for long results until they are sent or stored, MiB; 0: an eighth of container.pool.memory. At least room for two of the largest bodies, and four times code.max",
  ),
  "api.connections.max": number(0, 1 << 20)(
    0,
    "Most connections of clients; 0: as many as the process may have descriptors (ulimit -n), less a reserve",
  ),
  "api.connections.client": number(0, 1 << 20)(
    0,
    "Most connections of one client's address other than loopback (IPv6: its /64 network); 0: half of all",
  ),
  "api.idle.timeout": number(1, 86_400, false)(
    75,
    "How long a connection is kept without a request, s",
  ),
  "fn.debug": flag(
    false,
    "Answer failures of functions over plain HTTP (/fn) with their traceback and output, to anyone",
  ),
  "data.dir": text(
    "",
    "Folder for registry, code and sockets; empty: /var/lib/serverledge for root, else ~/.local/share/serverledge",
  ),
  "etcd.address": endpoints(
    "",
    "Where the members of etcd serve clients, mostly at port 2379; empty: embedded registry",
  ),
  "etcd.username": text("", "User of etcd"),
  "etcd.password": text("", "Password of etcd", true),
  "etcd.tls.ca": text(
    "",
    "PEM file with the CA certificate of etcd, turns TLS on; empty: CAs this machine trusts",
  ),
  "etcd.tls.cert": text("", "PEM file with the client certificate for etcd, turns TLS on"),
  "etcd.tls.key": text("", "PEM file with the key of etcd.tls.cert"),
  "code.max": number(1, 1024)(
    64,
    "Largest request that creates or updates a function, and largest code that is fetched, MiB",
  ),
  "code.url.loopback": flag(
    false,
    "Whether code may be fetched from URLs that point at this machine (any address of its interfaces, and its containers) or its links",
  ),
  "registry.area": name("ROME", "Area (edge zone or cloud region) of the node"),
  "registry.remote.area": optionalName(
    "",
    "Area that requests are offloaded to vertically, the cloud; empty: none",
  ),
  "registry.udp.port": port(
    9876,
    "Port for status datagrams of other nodes; 0 takes a free one, as does the default if it is taken",
  ),
  "registry.udp.address": setting(
    v.union([v.literal(""), v.pipe(v.string(), v.regex(/^(\[[0-9a-fA-F:.]+\]|[0-9.]+):\d{1,5}$/))]),
    "ADDRESS:PORT, an IPv6 address in brackets",
  )(
    "",
    "Address and port by which status datagrams of other nodes reach this one, where a port mapping stands between; empty: from api.ip and registry.udp.port",
  ),
  "registry.nearby.interval": number(0.05, 3600, false)(
    2,
    "How often a sample of the other nodes is asked for its status, s",
  ),
  "registry.monitoring.interval": number(0.05, 3600, false)(
    5,
    "How often balancers of the remote area are asked whether they are healthy, s",
  ),
  "registry.node.id": optionalName("", "Id of the node; empty: made once and kept in data.dir"),
  "cluster.secret": text(
    "",
    "Shared secret that signs what nodes send each other; empty: unsigned",
    true,
  ),
  "cluster.auth": choice("none", "")(
    "",
    "none: a node of a cluster may listen beyond loopback without cluster.secret, so that whoever reaches it can pose as a node",
  ),
  "node.architecture": choice("amd64", "arm64", "")(
    "",
    "Architecture of the node; empty: this machine's",
  ),
  "container.pool.memory": number(16, 1 << 24)(1024, "Memory for instances, MiB"),
  "container.pool.cpus": number(0, 4096, false)(
    0,
    "CPU for busy instances, cores; 0: all of this machine",
  ),
  "container.expiration": seconds(600, "How long an idle instance is kept warm, s"),
  "container.keepalive": choice("fixed", "histogram")(
    "fixed",
    "fixed: idle instances are kept for container.expiration; histogram: for as long as each function was seen to rest, and started again before the next request is expected (container.expiration where no pattern is seen)",
  ),
  "container.starts": number(1, 64)(4, "Instances that may be starting at the same time"),
  "container.pids": number(16, 1 << 22)(256, "Most processes and threads of a container"),
  "container.tmp": number(1, 1 << 20)(
    64,
    "Size of a container's /tmp, MiB; counts against its memory",
  ),
  "container.disk": number(0, 1 << 24)(
    1024,
    "Most that an instance of a custom image may write to its own files and its volumes, MiB, before it is ended; 0: as much as the disk has",
  ),
  "container.root": choice("writable", "readonly")(
    "writable",
    "Whether custom images may write to their own files, or only to /tmp (container.tmp)",
  ),
  "container.fence": choice("machine", "none")(
    "machine",
    "What functions in containers with Network bridge are kept away from, besides each other: machine: this machine and link-local addresses; none: nothing",
  ),
  "container.reach": servicePorts(
    "",
    "Services of this machine that all functions in containers with Network bridge may reach; empty: none",
  ),
  "sandbox.generic": number(0, 64)(
    1,
    "Sandboxes that wait for a function of runtime deno or wasm, once there is one",
  ),
  "sandbox.launcher": text(
    "",
    "Program and arguments, apart by spaces, that start sandboxes where this machine cannot by itself: an emulator; empty: none",
  ),
  "janitor.interval": number(0.01, 86_400, false)(30, "How often expired instances are removed, s"),
  "factory.images.refresh": flag(false, "Pull each image once, even if it is present"),
  "scheduler.policy": setting(
    v.pipe(v.string(), v.check(isPolicy)),
    `${policyNames.join(", ")}, or the path of a .js or .ts file`,
  )("default", "Scheduling policy; policy.* are its own settings"),
  "scheduler.queue.capacity": number(0, 1_000_000)(
    1000,
    "Requests that may wait for resources; 0: none",
  ),
  "scheduler.hops": number(0, 16)(
    1,
    "Nodes that a request may be sent on to, one from the other; 0: none",
  ),
  "offload.default": flag(
    true,
    "Whether requests that do not say (CanDoOffloading) may be sent to other nodes; false as in the Go prototype",
  ),
  "policy.plan.interval": number(1, 86_400, false)(10, "How often policies that plan do so, s"),
  "invocation.timeout": number(0.001, 86_400, false)(
    60,
    "Longest execution of a function that sets no TimeoutMs, s",
  ),
  "async.results.expiration": seconds(
    1800,
    "How long the result of an async invocation can be polled, s",
  ),
  "lb.replicas": number(1, 4096)(128, "Points of each node on the balancer's hash ring"),
  "lb.refresh_interval": number(0.1, 86_400, false)(
    30,
    "How often the balancer asks nodes for their free memory and CPU, s",
  ),
  "lb.health.interval": number(0.05, 3600, false)(
    2,
    "How often the balancer asks nodes whether they are healthy, s",
  ),
  "lb.load.factor": number(1, 1000, false)(
    1.25,
    "Most requests in flight on one node, as a multiple of the mean of all nodes",
  ),
  "lb.arch_awareness": flag(
    false,
    "Whether the balancer chooses an architecture for each request, as lb.mode says",
  ),
  "lb.mode": choice("RoundRobin", "MAB", "random")(
    "RoundRobin",
    "How the balancer chooses between amd64 and arm64: in turn, by learning (mab.*), by chance",
  ),
  "mab.policy": choice("UCB1", "LinUCB")("UCB1", "How the balancer learns, where lb.mode is MAB"),
  "mab.ucb1.c": number(0, 1000, false)(0.8, "UCB1: weight of exploration"),
  "mab.linucb.alpha": number(0, 1000, false)(0.1, "LinUCB: weight of exploration"),
  "mab.linucb.lambda": number(0, 1000, false)(
    0,
    "LinUCB: price of memory use above three quarters",
  ),
  "metrics.enabled": flag(true, "Serve GET /metrics"),
  "shutdown.grace": seconds(30, "How long a stopping node lets running invocations finish, s"),
  "log.level": choice("debug", "info", "warning", "error")("info", "Least severe records to log"),
  "log.format": choice("text", "json")("text", "How records are written to standard error"),
} as const;

/** Setting `runtimes.<id>.generic`. */
export const runtimeGeneric: Setting<number> = number(0, 16)(
  1,
  "Instances of the runtime that are kept ready for no function yet, so that a first start only " +
    "loads the code; started once a function of the runtime exists",
);

/** Fields of a class of service, below `qos.<class>.`. */
export const qosFields = {
  id: number(0, 1_000_000)(0, "Number by which requests may name it"),
  utility: number(0, 1e9, false)(1, "Worth of an answer within the limit"),
  penalty: number(0, 1e9, false)(0, "Cost of an answer that is late"),
  limit: seconds(0, "Response-time limit of requests that name none, s; 0: none"),
  completion: number(0, 1, false)(0, "Share of its requests that must be served"),
  weight: number(0.001, 1e6, false)(1, "Its share of the node against other classes"),
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

/** Returns true for a base URL of a node: plain HTTP, to which other nodes append paths. */
function isBaseUrl(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === "http:" && parsed.href === `${parsed.origin}/`;
}

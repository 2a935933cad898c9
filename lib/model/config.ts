/**
 * The configuration of a node: every key with its type, default, unit and meaning, and the rule
 * that turns the sources (file, environment, flags) into one checked configuration.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { isObject } from "./json.ts";
import { isPolicy, policyNames, policySetting, type PolicySettings } from "./policy_names.ts";
import { defaultClass, type QosClass } from "./qos.ts";
import { defaultRuntimes, type ExecutorKind, type Runtime, runtimeAliases } from "./runtimes.ts";

/** One key: how its value is read, what it is if nobody sets it, and what it is for. */
interface Setting<T> {
  readonly schema: v.GenericSchema<unknown, T>;
  readonly value: T;
  /** What a value may be, in words. */
  readonly allowed: string;
  readonly doc: string;
  /** True if the value must not be shown. */
  readonly secret?: boolean;
}

function setting<T>(schema: v.GenericSchema<unknown, T>, allowed: string) {
  return (value: T, doc: string, secret = false): Setting<T> => ({
    schema,
    value,
    allowed,
    doc,
    secret,
  });
}

const text = setting(v.pipe(v.union([v.string(), v.number()]), v.transform(String)), "text");

const flag = setting(
  v.pipe(
    v.union([v.boolean(), v.picklist(["true", "false"])]),
    v.transform((value) => value === true || value === "true"),
  ),
  "true or false",
);

function number(min: number, max: number, integer = true) {
  const allowed = `${integer ? "an integer" : "a number"} from ${min} to ${max}`;
  return setting(
    v.pipe(
      v.union([v.number(), v.pipe(v.string(), v.trim(), v.nonEmpty(), v.transform(Number))]),
      v.finite(),
      v.check((value) => !integer || Number.isInteger(value)),
      v.minValue(min),
      v.maxValue(max),
    ),
    allowed,
  );
}

function choice<const C extends string>(...options: C[]) {
  return setting<C>(v.picklist(options), options.join(", "));
}

const port = number(0, 65535);
const seconds = number(0, 31_536_000, false);

/** Every key of the configuration, in the order in which it is shown. */
export const settings = {
  "api.listen": text("127.0.0.1", "Address to listen on; 0.0.0.0 opens the node to the network"),
  "api.port": port(1323, "Port of the HTTP API; 0 takes a free one"),
  "api.ip": setting(v.union([v.literal(""), v.pipe(v.string(), v.ip())]), "an IP address")(
    "",
    "Address by which other nodes reach this one; empty: api.listen if it is one address, else this machine's first",
  ),
  "api.body.max": number(1, 1024)(64, "Largest request body, MiB"),
  "data.dir": text(
    "",
    "Folder for registry, code and sockets; empty: /var/lib/serverledge for root, else ~/.local/share/serverledge",
  ),
  "etcd.address": text(
    "",
    "etcd endpoints host:port, separated by commas; empty: embedded registry",
  ),
  "etcd.username": text("", "User of etcd"),
  "etcd.password": text("", "Password of etcd", true),
  "etcd.tls.ca": text("", "File with the CA certificate of etcd; setting it turns TLS on"),
  "etcd.tls.cert": text("", "File with the client certificate for etcd"),
  "etcd.tls.key": text("", "File with the client key for etcd"),
  "code.url.loopback": flag(
    false,
    "Whether code may be fetched from URLs that point at this machine or its links",
  ),
  "registry.area": text("ROME", "Area (edge zone or cloud region) of the node"),
  "registry.remote.area": text(
    "",
    "Area that requests are offloaded to vertically, the cloud; empty: none",
  ),
  "registry.udp.port": port(9876, "Port for status datagrams of other nodes; 0 takes a free one"),
  "registry.nearby.interval": number(0.05, 3600, false)(
    2,
    "How often a sample of the other nodes is asked for its status, s",
  ),
  "registry.monitoring.interval": number(0.05, 3600, false)(
    5,
    "How often balancers of the remote area are asked whether they are healthy, s",
  ),
  "registry.node.id": text("", "Id of the node; empty: made once and kept in data.dir"),
  "cluster.secret": text(
    "",
    "Shared secret that signs what nodes send each other; empty: unsigned",
    true,
  ),
  "node.architecture": choice("", "amd64", "arm64")(
    "",
    "Architecture of the node; empty: this machine's",
  ),
  "container.pool.memory": number(16, 1 << 24)(1024, "Memory for instances, MiB"),
  "container.pool.cpus": number(0, 4096, false)(
    0,
    "CPU for busy instances, cores; 0: all of this machine",
  ),
  "container.expiration": seconds(600, "How long an idle instance is kept warm, s"),
  "container.starts": number(1, 64)(4, "Instances that may be starting at the same time"),
  "container.pids": number(16, 1 << 22)(256, "Most processes and threads of a container"),
  "container.tmp": number(1, 1 << 20)(
    64,
    "Size of a container's /tmp, MiB; counts against its memory",
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

/** Fields of a class of service, below `qos.<class>.`. */
const qosFields = {
  id: number(0, 1_000_000)(0, "Number by which requests may name it"),
  utility: number(0, 1e9, false)(1, "Worth of an answer within the limit"),
  penalty: number(0, 1e9, false)(0, "Cost of an answer that is late"),
  limit: seconds(0, "Response-time limit of requests that name none, s; 0: none"),
  completion: number(0, 1, false)(0, "Share of its requests that must be served"),
  weight: number(0.001, 1e6, false)(1, "Its share of the node against other classes"),
} as const;

type QosField = keyof typeof qosFields;

function isQosField(field: string): field is QosField {
  return Object.hasOwn(qosFields, field);
}

/** A key of the configuration. */
export type SettingKey = keyof typeof settings;

type SettingValue<S> = S extends Setting<infer T> ? T : never;

/** A checked configuration: every key with its value, and the runtimes by id. */
export type Config =
  & { readonly [K in SettingKey]: SettingValue<(typeof settings)[K]> }
  & {
    /** Runtimes by id. */
    readonly runtimes: ReadonlyMap<string, Runtime>;
    /** Classes of service. */
    readonly qosClasses: readonly QosClass[];
    /** Settings of policies, by the rest of the key after `policy.`; each policy checks its own. */
    readonly policySettings: PolicySettings;
  };

/** Keys of policies, which no table lists. */
const policyPrefix = "policy.";

const executors: readonly ExecutorKind[] = ["python", "nodejs", "http"];

/** Keys of the Go node that mean nothing here, and why: a warning, not an error. */
const retired: Readonly<Record<string, string>> = {
  "cache.size": "the whole catalog is kept in memory and current",
  "cache.cleanup": "the whole catalog is kept in memory and current",
  "cache.expiration": "the whole catalog is kept in memory and current",
};

/** Prefixes of Go keys for parts that this version does not have: a warning, not an error. */
const absent = [
  "scheduler.fallback.local",
  "offloading.",
  "loadbalancer.",
  "metrics.prometheus.",
  "metrics.retriever.",
  "metrics.dump.",
  "metrics.load.",
  "tracing.",
  "workflow.",
];

/** One source of configuration: a file, the environment or the command line. */
export interface ConfigSource {
  /** Where the values come from, for people, e.g. a path or `environment`. */
  readonly origin: string;
  /** Values by dotted key, or nested, or both mixed; keys in any case. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** A configuration with the story of where its values come from. */
export interface ResolvedConfig {
  /** The checked values. */
  readonly config: Config;
  /** Origin of each key that some source set. */
  readonly origins: ReadonlyMap<string, string>;
  /** Keys that were set but mean nothing here, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Merges sources into one checked configuration.
 *
 * @param sources in order of rising precedence
 * @throws `INVALID_REQUEST` naming the key, its origin and the allowed values
 */
export function resolveConfig(sources: readonly ConfigSource[]): ResolvedConfig {
  const values: Record<string, unknown> = {};
  const runtimes = new Map<string, Partial<Runtime>>(
    defaultRuntimes.map((runtime) => [runtime.id, runtime]),
  );
  const classes = new Map<string, Partial<QosClass>>();
  const policySettings: Record<string, string | number | boolean> = {};
  const origins = new Map<string, string>();
  const warnings: string[] = [];
  for (const [key, { value }] of Object.entries(settings)) values[key] = value;
  for (const { origin, values: raw } of sources) {
    for (const [key, value] of flatten(raw)) {
      if (isSettingKey(key)) values[key] = check(key, value, origin);
      else if (key.startsWith("runtimes.")) setRuntime(runtimes, key, value, origin);
      else if (key.startsWith("qos.")) setQosField(classes, key, value, origin);
      else if (key.startsWith(policyPrefix)) {
        policySettings[key.slice(policyPrefix.length)] = checkPolicySetting(key, value, origin);
      } else {
        warnings.push(warningFor(key, origin));
        continue;
      }
      origins.set(key, origin);
    }
  }
  checkRuntimes(runtimes, origins);
  const qosClasses = completeClasses(classes, origins);
  const config = { ...values, runtimes, qosClasses, policySettings } as unknown as Config;
  return { config, origins, warnings };
}

/** The environment variable that sets a key: `api.port` is `SERVERLEDGE_API_PORT`. */
export function environmentName(key: string): string {
  return `SERVERLEDGE_${key.toUpperCase().replaceAll(".", "_")}`;
}

/**
 * The runtime that a function's `Runtime` means on this node.
 *
 * @returns undefined if there is none
 */
export function findRuntime(config: Pick<Config, "runtimes">, id: string): Runtime | undefined {
  return config.runtimes.get(id) ?? config.runtimes.get(ownValue(runtimeAliases, id) ?? "");
}

function* flatten(values: Record<string, unknown>, prefix = ""): Generator<[string, unknown]> {
  for (const [part, value] of Object.entries(values)) {
    const key = prefix + part.toLowerCase();
    if (isObject(value)) yield* flatten(value, `${key}.`);
    else if (value !== null && value !== undefined) yield [key, value];
  }
}

function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settings, key);
}

/** The value of a key, but nothing that every object inherits, such as `constructor`. */
function ownValue(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function check(key: SettingKey, value: unknown, origin: string): unknown {
  const { schema, allowed } = settings[key];
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw bad(key, origin, `expected ${allowed}, current value is ${JSON.stringify(value)}`);
}

function setRuntime(
  runtimes: Map<string, Partial<Runtime>>,
  key: string,
  value: unknown,
  origin: string,
): void {
  // The id may hold dots itself: runtimes.python3.12.image.
  const [, id, field] = /^runtimes\.(.+)\.(image|executor)$/.exec(key) ?? [];
  if (!id) throw bad(key, origin, "expected runtimes.<id>.image or runtimes.<id>.executor");
  if (typeof value !== "string" || value === "") throw bad(key, origin, "expected a text");
  if (field === "executor" && !executors.some((kind) => kind === value)) {
    throw bad(key, origin, `expected ${executors.join(", ")}, current value is "${value}"`);
  }
  const base = runtimes.get(id) ?? runtimes.get(ownValue(runtimeAliases, id) ?? "");
  runtimes.set(id, { ...base, id, [field!]: value });
}

/** `qos.<class>.<field>`. */
function setQosField(
  classes: Map<string, Partial<QosClass>>,
  key: string,
  value: unknown,
  origin: string,
): void {
  const [, name, field] = /^qos\.([a-z0-9_-]{1,64})\.([a-z]+)$/.exec(key) ?? [];
  if (!name || !isQosField(field!)) {
    throw bad(key, origin, `expected qos.<class>.<${Object.keys(qosFields).join("|")}>`);
  }
  const { schema, allowed } = qosFields[field as QosField];
  const result = v.safeParse(schema, value);
  if (!result.success) {
    throw bad(key, origin, `expected ${allowed}, current value is ${JSON.stringify(value)}`);
  }
  classes.set(name, { ...classes.get(name), name, [field!]: result.output });
}

/** Classes need a number of their own; everything else is as in the default class. */
function completeClasses(
  classes: ReadonlyMap<string, Partial<QosClass>>,
  origins: ReadonlyMap<string, string>,
): QosClass[] {
  const byId = new Map<number, string>();
  return [...classes].map(([name, fields]) => {
    const key = `qos.${name}.id`;
    if (fields.id === undefined) throw bad(key, "missing", "a class needs a number of its own");
    const other = byId.get(fields.id);
    if (other) throw bad(key, origins.get(key)!, `class ${other} has the number ${fields.id}`);
    byId.set(fields.id, name);
    return { ...defaultClass, ...fields, name };
  });
}

function checkPolicySetting(key: string, value: unknown, origin: string) {
  const scalar = policySetting(value);
  if (scalar !== undefined) return scalar;
  throw bad(key, origin, "expected a text, a number, true or false");
}

/** A runtime that no default completes must be told whole. */
function checkRuntimes(
  runtimes: ReadonlyMap<string, Partial<Runtime>>,
  origins: ReadonlyMap<string, string>,
): void {
  for (const [id, runtime] of runtimes) {
    for (const field of ["image", "executor"] as const) {
      if (runtime[field] !== undefined) continue;
      const told = `runtimes.${id}.${field === "image" ? "executor" : "image"}`;
      const hint = field === "executor" ? ` (${executors.join(", ")})` : "";
      throw bad(
        told,
        origins.get(told)!,
        `a new runtime needs runtimes.${id}.${field}${hint}, too`,
      );
    }
  }
}

function warningFor(key: string, origin: string): string {
  const why = ownValue(retired, key);
  if (why) return `${key} (${origin}) has no effect here: ${why}`;
  if (absent.some((prefix) => key === prefix || (prefix.endsWith(".") && key.startsWith(prefix)))) {
    return `${key} (${origin}) has no effect: this version does not have that part of the Go node`;
  }
  const near = nearest(key, Object.keys(settings));
  const hint = near ? `did you mean ${near}?` : '"serverledge config --example" lists all';
  throw bad(key, origin, `unknown key; ${hint}`);
}

function bad(key: string, origin: string, problem: string): ServerledgeError {
  return new ServerledgeError("INVALID_REQUEST", `${key} (${origin}): ${problem}`, {
    details: { path: key },
  });
}

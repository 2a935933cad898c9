/**
 * The configuration of a node, merged from its sources (file, environment, flags) and validated.
 *
 * @module
 */

import * as v from "valibot";
import { ServerledgeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { inOurTerms, whyWithoutEffect } from "./go_keys.ts";
import { isObject } from "../json/json.ts";
import { policySetting, type PolicySettings } from "../model/policy_names.ts";
import { defaultClass, type QosClass } from "../model/qos.ts";
import { defaultRuntimes, imageAliases, type Runtime, runtimeAliases } from "../model/runtimes.ts";
import { executorKinds, hasGenericInstances, isSandboxed } from "../runtime/kinds/kinds.ts";
import {
  isQosField,
  type QosField,
  qosFields,
  runtimeGeneric,
  type SettingKey,
  settings,
  type SettingValue,
} from "./settings.ts";

/** A validated configuration: every key with its value, and the runtimes by id. */
export type Config =
  & { readonly [K in SettingKey]: SettingValue<(typeof settings)[K]> }
  & {
    /** Runtimes by id. */
    readonly runtimes: ReadonlyMap<string, Runtime>;
    /** Classes of service. */
    readonly qosClasses: readonly QosClass[];
    /** Settings of policies, by the rest of the key after `policy.`; each policy checks its own. */
    readonly policySettings: PolicySettings;
    /** Keys that a source has set; the others have their defaults. */
    readonly chosen: ReadonlySet<string>;
  };

/** Prefix of the keys of policies, which no table lists. */
const policyPrefix = "policy.";

/** Source of configuration: a file, the environment or the command line. */
export interface ConfigSource {
  /** Name of the source for people, e.g. a path or `environment`. */
  readonly origin: string;
  /** Values by dotted key, or nested, or both mixed; keys in any case. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** A configuration with the origins of its values. */
export interface ResolvedConfig {
  /** The validated values. */
  readonly config: Config;
  /** Origin of each key that some source set. */
  readonly origins: ReadonlyMap<string, string>;
  /** Warnings of keys that have no effect or were renamed, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Merges sources into one validated configuration.
 *
 * @param sources sources in order of increasing precedence
 * @throws `CONFIG_INVALID` with the key, its origin and the allowed values
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
    const seen = new Set<string>();
    const { entries, warnings: renamed } = inOurTerms([...flatten(raw)], origin);
    warnings.push(...renamed);
    for (const [key, value] of entries) {
      if (seen.has(key)) {
        throw bad(
          key,
          origin,
          "set more than once (in different letter cases, or both dotted and nested)",
        );
      }
      seen.add(key);
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
  const chosen = new Set(origins.keys());
  const config = { ...values, runtimes, qosClasses, policySettings, chosen } as unknown as Config;
  return { config, origins, warnings };
}

/** Returns the environment variable that sets a key: `SERVERLEDGE_API_PORT` for `api.port`. */
export function environmentName(key: string): string {
  return `SERVERLEDGE_${key.toUpperCase().replaceAll(".", "_")}`;
}

/**
 * Returns the runtime that a function's `Runtime` names on this node.
 *
 * @returns undefined if there is no such runtime
 */
export function findRuntime(config: Pick<Config, "runtimes">, id: string): Runtime | undefined {
  const alias = imageAliases.includes(id) ? undefined : ownValue(runtimeAliases, id);
  return config.runtimes.get(id) ?? config.runtimes.get(alias ?? "");
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

/** Returns the value of a key, without properties that every object inherits, such as `constructor`. */
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
  // The id may contain dots: runtimes.python3.12.image.
  const [, id, field] = /^runtimes\.(.+)\.(image|executor|generic)$/.exec(key) ?? [];
  if (!id) throw bad(key, origin, "expected runtimes.<id>.image, .executor or .generic");
  const base = runtimes.get(id) ?? runtimes.get(ownValue(runtimeAliases, id) ?? "");
  if (field === "generic") {
    const result = v.safeParse(runtimeGeneric.schema, value);
    if (!result.success) {
      throw bad(
        key,
        origin,
        `expected ${runtimeGeneric.allowed}, current value is ${JSON.stringify(value)}`,
      );
    }
    runtimes.set(id, { ...base, id, generic: result.output });
    return;
  }
  if (typeof value !== "string" || value === "") {
    throw bad(key, origin, `expected a text, current value is ${JSON.stringify(value)}`);
  }
  if (field === "executor" && !executorKinds.some((kind) => kind === value)) {
    throw bad(key, origin, `expected ${executorKinds.join(", ")}, current value is "${value}"`);
  }
  runtimes.set(id, { ...base, id, [field!]: value });
}

/** Sets a field of a class of service: `qos.<class>.<field>`. */
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

/** Completes classes with fields of the default class; each needs its own number. */
function completeClasses(
  classes: ReadonlyMap<string, Partial<QosClass>>,
  origins: ReadonlyMap<string, string>,
): QosClass[] {
  const byId = new Map<number, string>();
  return [...classes].map(([name, fields]) => {
    const key = `qos.${name}.id`;
    if (fields.id === undefined) throw bad(key, "missing", "each class needs a unique number");
    const other = byId.get(fields.id);
    if (other) {
      throw bad(key, origins.get(key)!, `class ${other} already has the number ${fields.id}`);
    }
    byId.set(fields.id, name);
    return { ...defaultClass, ...fields, name };
  });
}

function checkPolicySetting(key: string, value: unknown, origin: string) {
  const scalar = policySetting(value);
  if (scalar !== undefined) return scalar;
  throw bad(key, origin, "expected a text, a number, true or false");
}

/**
 * Checks that a runtime without defaults is configured completely, except for its generic instances.
 * Sandboxes have no image.
 */
function checkRuntimes(
  runtimes: Map<string, Partial<Runtime>>,
  origins: ReadonlyMap<string, string>,
): void {
  for (const [id, runtime] of runtimes) {
    const keys = ["image", "executor", "generic"].map((field) => `runtimes.${id}.${field}`);
    for (const field of ["image", "executor"] as const) {
      if (runtime[field] !== undefined) continue;
      if (field === "image" && runtime.executor && isSandboxed(runtime.executor)) continue;
      const named = keys.find((key) => origins.has(key))!;
      const hint = field === "executor" ? ` (${executorKinds.join(", ")})` : "";
      throw bad(
        named,
        origins.get(named)!,
        `a new runtime also needs runtimes.${id}.${field}${hint}`,
      );
    }
    const canHaveGeneric = hasGenericInstances(runtime.executor!);
    const { image = "", generic = runtimeGeneric.value } = runtime;
    const key = `runtimes.${id}.generic`;
    if (!canHaveGeneric && generic > 0 && origins.has(key)) {
      throw bad(
        key,
        origins.get(key)!,
        `only runtimes of the executors ${
          executorKinds.filter(hasGenericInstances).join(" and ")
        } have generic instances; set sandbox.generic for sandboxes`,
      );
    }
    runtimes.set(id, { ...runtime, image, generic: canHaveGeneric ? generic : 0 });
  }
}

function warningFor(key: string, origin: string): string {
  const why = whyWithoutEffect(key);
  if (why) return `${key} (${origin}) has no effect: ${why}`;
  const near = nearest(key, Object.keys(settings));
  const hint = near ? `did you mean ${near}?` : '"serverledge config --example" lists all keys';
  throw bad(key, origin, `unknown key; ${hint}`);
}

function bad(key: string, origin: string, problem: string): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", `${key} (${origin}): ${problem}`, {
    details: { path: key },
  });
}

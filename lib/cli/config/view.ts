/**
 * Formats a configuration for people.
 *
 * @module
 */

import { environmentName, type ResolvedConfig } from "../../config/config.ts";
import { runtimeGeneric, type SettingKey, settings } from "../../config/settings.ts";
import { formatTable } from "../view/table.ts";

/** One key of an effective configuration. */
export interface ConfigRow {
  readonly key: string;
  /** Value of the key; secrets are not shown. */
  readonly value: unknown;
  /** Source of the value: a path, `environment`, `command line` or `default`. */
  readonly origin: string;
}

const hidden = "(hidden)";

/**
 * Returns all keys with their values and origins: first the settings in their order, then the runtimes,
 * the classes of service and the parameters of policies.
 *
 * @param resolved an effective configuration
 */
export function describeConfig({ config, origins }: ResolvedConfig): ConfigRow[] {
  const origin = (key: string) => origins.get(key) ?? "default";
  const rows: ConfigRow[] = (Object.keys(settings) as SettingKey[]).map((key) => ({
    key,
    value: settings[key].secret && config[key] !== "" ? hidden : config[key],
    origin: origin(key),
  }));
  for (const { id, image, executor, generic } of config.runtimes.values()) {
    for (const [field, value] of Object.entries({ image, executor, generic })) {
      const key = `runtimes.${id}.${field}`;
      if (value !== "") rows.push({ key, value, origin: origin(key) });
    }
  }
  for (const { name, ...fields } of config.qosClasses) {
    for (const [field, value] of Object.entries(fields)) {
      const key = `qos.${name}.${field}`;
      rows.push({ key, value, origin: origin(key) });
    }
  }
  for (const [rest, value] of Object.entries(config.policySettings)) {
    const key = `policy.${rest}`;
    rows.push({ key, value, origin: origin(key) });
  }
  return rows;
}

/**
 * Formats a configuration as a table.
 *
 * @param rows keys of the configuration
 */
export function configTable(rows: readonly ConfigRow[]): string {
  return formatTable(
    ["KEY", "VALUE", "ORIGIN"],
    rows.map(({ key, value, origin }) => [
      key,
      value === "" || typeof value === "object" ? JSON.stringify(value) : String(value),
      origin,
    ]),
  );
}

/** Returns a configuration file in YAML with all keys, their defaults and meanings. */
export function exampleConfig(): string {
  const head =
    "# Configuration of a Serverledge node: every key with its default. Delete what you do\n" +
    "# not change. Environment variables and the command line of `serverledge start` win over it.\n";
  const keys = (Object.keys(settings) as SettingKey[]).map((key) => {
    const { doc, allowed, value } = settings[key];
    return `\n# ${doc}\n# Allowed: ${allowed}; environment: ${environmentName(key)}\n` +
      `${key}: ${JSON.stringify(value)}\n`;
  });
  const runtimes = "\n# Image of a runtime's containers, and of runtimes of your own\n" +
    "# runtimes.python.image: python:3.13-slim\n" +
    "# runtimes.python312.image: python:3.12-slim\n" +
    "# runtimes.python312.executor: python\n" +
    `# ${runtimeGeneric.doc}\n# Allowed: ${runtimeGeneric.allowed}\n` +
    `# runtimes.python.generic: ${runtimeGeneric.value}\n`;
  const classes = "\n# QoS classes: requests refer to one by id or name\n# qos.critical.id: 1\n# " +
    "qos.critical.limit: 0.5\n# qos.critical.weight: 4\n";
  return head + keys.join("") + runtimes + classes;
}

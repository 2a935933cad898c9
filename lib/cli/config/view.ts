/**
 * A configuration as people read it.
 *
 * @module
 */

import { environmentName, type ResolvedConfig } from "../../config/config.ts";
import { runtimeGeneric, type SettingKey, settings } from "../../config/settings.ts";
import { formatTable } from "../view/table.ts";

/** One key of an effective configuration. */
export interface ConfigRow {
  readonly key: string;
  /** Its value; a secret one is not shown. */
  readonly value: unknown;
  /** Where it comes from: a path, `environment`, `command line` or `default`. */
  readonly origin: string;
}

const hidden = "(hidden)";

/**
 * All keys with their values and origins, in the order of the settings, then the runtimes, the
 * classes of service and parameters of policies.
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
 * A configuration as a table.
 *
 * @param rows its keys
 */
export function configTable(rows: readonly ConfigRow[]): string {
  return formatTable(
    ["KEY", "VALUE", "ORIGIN"],
    rows.map(({ key, value, origin }) => [key, value === "" ? '""' : String(value), origin]),
  );
}

/** A configuration file in YAML with all keys at their defaults, and what each means. */
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
  const classes = "\n# Classes of service: requests name one by id or name\n" +
    "# qos.critical.id: 1\n# qos.critical.limit: 0.5\n# qos.critical.weight: 4\n";
  return head + keys.join("") + runtimes + classes;
}

/**
 * Sources of a node's configuration in addition to its file: the environment and the command line.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { type ConfigSource, environmentName } from "../../config/config.ts";
import { renamed } from "../../config/go_keys.ts";
import { qosFields, settings } from "../../config/settings.ts";
import type { ConfigOptions } from "../options/options.ts";

const prefix = "SERVERLEDGE_";
/** Variables that the command line reads itself. */
const ownNames = ["SERVERLEDGE_HOST", "SERVERLEDGE_PORT", "SERVERLEDGE_KEY", "SERVERLEDGE_DEBUG"];

/** Configuration from the environment. */
export interface EnvironmentSource {
  /** Values by key. */
  readonly source: ConfigSource;
  /** Warnings of variables that look like settings but are not, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the environment: `SERVERLEDGE_API_PORT` sets `api.port`, `SERVERLEDGE_RUNTIMES_PYTHON_IMAGE`
 * sets `runtimes.python.image`, `SERVERLEDGE_QOS_CRITICAL_LIMIT` sets `qos.critical.limit`. An
 * underscore within an id or a class stays an underscore; names with dots or hyphens need a file or
 * `--set`. Former names of keys count, too.
 *
 * @param env variables by name
 */
export function environmentSource(env: Readonly<Record<string, string>>): EnvironmentSource {
  const known = [...Object.keys(settings), ...Object.keys(renamed)];
  const keys = new Map(known.map((key) => [environmentName(key), key]));
  const values: Record<string, string> = {};
  const warnings: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(prefix) || ownNames.includes(name)) continue;
    const key = keys.get(name) ?? runtimeKey(name) ?? qosKey(name) ?? policyKey(name);
    if (key) values[key] = value;
    else warnings.push(`${name} (environment) matches no configuration key and has no effect`);
  }
  return { source: { origin: "environment", values }, warnings };
}

function runtimeKey(name: string): string | undefined {
  const [, id, field] = /^SERVERLEDGE_RUNTIMES_(.+)_(IMAGE|EXECUTOR|GENERIC|SPARES)$/.exec(name) ??
    [];
  return id && `runtimes.${id}.${field}`.toLowerCase();
}

const qosName = new RegExp(
  `^SERVERLEDGE_QOS_(.+)_(${Object.keys(qosFields).join("|").toUpperCase()})$`,
);

function qosKey(name: string): string | undefined {
  const [, className, field] = qosName.exec(name) ?? [];
  return className && `qos.${className}.${field}`.toLowerCase();
}

/** Returns the key of a policy's setting, which no table lists: `SERVERLEDGE_POLICY_BANDWIDTH_EDGE`. */
function policyKey(name: string): string | undefined {
  const [, key] = /^SERVERLEDGE_POLICY_([A-Z0-9_]+)$/.exec(name) ?? [];
  return key && `policy.${key.toLowerCase().replaceAll("_", ".")}`;
}

/**
 * Reads the command line.
 *
 * @param options options of `start` or `config`
 * @param port value of `--port`
 * @throws `CONFIG_INVALID` for a `--set` without a value
 */
export function commandLineSource(
  options: Pick<ConfigOptions, "listen" | "area" | "set">,
  port: number | undefined,
): ConfigSource {
  const values: Record<string, unknown> = {};
  for (const item of options.set) {
    const equals = item.indexOf("=");
    if (equals < 1) {
      throw new ServerledgeError(
        "CONFIG_INVALID",
        `"${item}" is not a setting: use --set KEY=VALUE`,
      );
    }
    // All keys are in lower case: the last of equal keys wins, and the options below override them.
    values[item.slice(0, equals).trim().toLowerCase()] = item.slice(equals + 1);
  }
  if (options.listen !== undefined) values["api.listen"] = options.listen;
  if (options.area !== undefined) values["registry.area"] = options.area;
  if (port !== undefined) values["api.port"] = port;
  return { origin: "command line", values };
}

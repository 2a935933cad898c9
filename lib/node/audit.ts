/**
 * Audit record of a node or balancer.
 *
 * @module
 */

import { join } from "node:path";
import type { Authenticator } from "../access/authenticator.ts";
import { AuditTrail } from "../api/audit_trail.ts";
import type { Clock } from "../base/clock.ts";
import { dataDirectory } from "../cluster/home.ts";
import type { Config } from "../config/config.ts";
import { AuditFile } from "../telemetry/audit/audit_file.ts";
import { auditLine, AuditLog } from "../telemetry/audit/audit_log.ts";

const mib = 2 ** 20;

/** Audit record of a running node or balancer. */
export interface NodeAudit {
  readonly trail: AuditTrail;
  /** Current problems. */
  problems(): string[];
  /** Number of records that were lost since the start. */
  readonly lost: number;
}

/** Dependencies of {@link openAudit}. */
export interface AuditOptions {
  readonly config: Config;
  readonly access: Pick<Authenticator, "isRequired">;
  readonly node: { readonly id: string };
  readonly clock: Clock;
  /** Owns what is opened. */
  readonly built: AsyncDisposableStack;
}

/**
 * Opens the audit record, whose file is created with its first line.
 *
 * @param name name of the file in the data directory
 * @returns undefined if nothing is recorded
 */
export function openAudit(
  { config, access, node, clock, built }: AuditOptions,
  name?: string,
): NodeAudit | undefined {
  const extent = config["audit.records"];
  if (extent === "none") return undefined;
  const log = built.use(new AuditLog(auditFile(config, name), node.id, clock));
  return {
    trail: new AuditTrail(log, access, extent),
    problems: () => log.problems(),
    get lost() {
      return log.lost;
    },
  };
}

/**
 * Records a command that changes keys in the registry without a running node.
 *
 * @param what command
 * @param target name of the key
 * @throws if the file cannot be written
 */
export async function recordCommand(
  config: Config,
  what: string,
  target: string,
  wallMs: number,
): Promise<void> {
  if (config["audit.records"] === "none") return;
  // Commands that reach the registry in etcd may run on a machine without a node.
  if (config["etcd.address"] !== "" && config["audit.file"] === "") return;
  const name = `user ${Deno.uid()}`;
  const entry = { name, address: "local", method: "COMMAND", route: what, target, status: 200 };
  await auditFile(config).append(auditLine(entry, config["registry.node.id"], wallMs));
}

function auditFile(config: Config, name = "audit.log"): AuditFile {
  const path = config["audit.file"] || join(dataDirectory(config["data.dir"]), name);
  return new AuditFile(path, config["audit.size"] * mib);
}

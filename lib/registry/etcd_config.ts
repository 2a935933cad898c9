/**
 * How to reach etcd, as the configuration says.
 *
 * @module
 */

import type { Config } from "../model/config.ts";
import type { EtcdOptions } from "./etcd_options.ts";

/**
 * Reads the keys `etcd.*`, and the files that they name.
 *
 * @param config the configuration
 * @returns undefined if no endpoint is configured
 */
export function etcdOptions(config: Config): EtcdOptions | undefined {
  const endpoints = config["etcd.address"].split(",").map((part) => part.trim()).filter(Boolean);
  if (endpoints.length === 0) return undefined;
  const read = (path: string) => path ? Deno.readFileSync(path) : undefined;
  const ca = read(config["etcd.tls.ca"]);
  return {
    endpoints,
    username: config["etcd.username"] || undefined,
    password: config["etcd.password"] || undefined,
    tls: ca && {
      ca,
      cert: read(config["etcd.tls.cert"]),
      key: read(config["etcd.tls.key"]),
    },
  };
}

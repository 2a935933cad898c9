/**
 * Reads the etcd options from the configuration.
 *
 * @module
 */

import { pemProblem, readPemFile } from "../../../base/pem_file.ts";
import type { Config } from "../../../config/config.ts";
import type { EtcdOptions, EtcdTls } from "./options.ts";

type TlsKey = "etcd.tls.ca" | "etcd.tls.cert" | "etcd.tls.key";

/**
 * Reads the keys `etcd.*` and the files that they name.
 *
 * @returns undefined if no endpoint is configured
 * @throws `CONFIG_INVALID` with the key whose file is unusable, or that requires another one
 */
export function etcdOptions(
  config: Config,
  readFile: (path: string) => Uint8Array<ArrayBuffer> = Deno.readFileSync,
): EtcdOptions | undefined {
  if (config["etcd.address"] === "") return undefined;
  const endpoints = config["etcd.address"].split(",").map((part) => part.trim());
  const tls = tlsOptions(config, readFile);
  const plain = endpoints.find((endpoint) => /^http:/i.test(endpoint));
  if (tls && plain) {
    throw pemProblem(
      "etcd.address",
      `${plain} does not use TLS, which etcd.tls.* enables: use https://`,
    );
  }
  return {
    endpoints,
    username: config["etcd.username"] || undefined,
    password: config["etcd.password"] || undefined,
    tls,
  };
}

function tlsOptions(
  config: Config,
  readFile: (path: string) => Uint8Array<ArrayBuffer>,
): EtcdTls | undefined {
  const read = (key: TlsKey, content: "certificate" | "private key without a passphrase") =>
    config[key] === "" ? undefined : readPemFile(key, config[key], content, readFile);
  const ca = read("etcd.tls.ca", "certificate");
  const cert = read("etcd.tls.cert", "certificate");
  const key = read("etcd.tls.key", "private key without a passphrase");
  if (cert && !key) throw pemProblem("etcd.tls.cert", "also needs etcd.tls.key");
  if (key && !cert) throw pemProblem("etcd.tls.key", "also needs etcd.tls.cert");
  return ca || cert ? { ca, cert, key } : undefined;
}

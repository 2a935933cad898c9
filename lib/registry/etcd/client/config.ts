/**
 * Reads the etcd options from the configuration.
 *
 * @module
 */

import { ServerledgeError } from "../../../base/errors.ts";
import { fileProblem } from "../../../base/text_file.ts";
import type { Config } from "../../../config/config.ts";
import type { EtcdOptions, EtcdTls } from "./options.ts";

type TlsKey = "etcd.tls.ca" | "etcd.tls.cert" | "etcd.tls.key";

const certificate = /-----BEGIN (CERTIFICATE)-----[^-]+-----END \1-----/;
const privateKey = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[^-]+-----END \1-----/;

/**
 * Reads the keys `etcd.*` and the files that they name.
 *
 * @returns undefined if no endpoint is configured
 * @throws `CONFIG_INVALID` with the key whose file is unusable, or that requires another one
 */
export function etcdOptions(
  config: Config,
  readFile: (path: string) => Uint8Array = Deno.readFileSync,
): EtcdOptions | undefined {
  if (config["etcd.address"] === "") return undefined;
  const endpoints = config["etcd.address"].split(",").map((part) => part.trim());
  const tls = tlsOptions(config, readFile);
  const plain = endpoints.find((endpoint) => /^http:/i.test(endpoint));
  if (tls && plain) {
    throw bad("etcd.address", `${plain} is without TLS, which etcd.tls.* turns on: use https://`);
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
  readFile: (path: string) => Uint8Array,
): EtcdTls | undefined {
  const read = (key: TlsKey, content: RegExp, what: string) =>
    config[key] === "" ? undefined : readPem(key, config[key], content, what, readFile);
  const ca = read("etcd.tls.ca", certificate, "certificate");
  const cert = read("etcd.tls.cert", certificate, "certificate");
  const key = read("etcd.tls.key", privateKey, "private key without a passphrase");
  if (cert && !key) throw bad("etcd.tls.cert", "needs etcd.tls.key, too");
  if (key && !cert) throw bad("etcd.tls.key", "needs etcd.tls.cert, too");
  return ca || cert ? { ca, cert, key } : undefined;
}

function readPem(
  key: TlsKey,
  path: string,
  content: RegExp,
  what: string,
  readFile: (path: string) => Uint8Array,
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (cause) {
    throw bad(key, `cannot read ${path}: ${fileProblem(cause)}`, cause);
  }
  if (content.test(new TextDecoder().decode(bytes))) return bytes;
  throw bad(key, `${path} is no PEM file with a ${what}`);
}

function bad(key: TlsKey | "etcd.address", problem: string, cause?: unknown): ServerledgeError {
  return new ServerledgeError("CONFIG_INVALID", `${key}: ${problem}`, {
    details: { path: key },
    cause,
  });
}

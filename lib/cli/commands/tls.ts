/**
 * Subcommand `serverledge tls`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { integer } from "@optique/core/valueparser";
import { isIP } from "node:net";
import { ServerledgeError } from "../../base/errors.ts";
import { ownAddress } from "../../cluster/address.ts";
import { endpointOfUrl } from "../client/endpoint.ts";
import { type Action, type Command, defineGroup, type Subcommand } from "../command.ts";
import { argumentOf, file, optionOf, optionsOf, optionWith, text } from "../options/parts.ts";
import { isReadable } from "../view/show.ts";
import { formatFields } from "../view/table.ts";

/** Names and addresses by which only programs of the machine itself know it. */
const local = ["localhost", "127.0.0.1", "::1"];

const selfSigned: Subcommand<Action> = {
  name: "self-signed",
  brief: "Create a self-signed certificate and its key",
  options: map(
    object({
      names: optionsOf(
        "--name HOST",
        text,
        "Host name or IP address in URLs of the node; repeatable; default: those of this machine",
      ),
      cert: optionWith("--cert FILE", file, "File for the certificate", "node.crt"),
      key: optionWith("--key FILE", file, "File for the private key", "node.key"),
      days: optionWith(
        "--days N",
        (meta) => integer({ ...meta, min: 1, max: 36_500 }),
        "Validity, days",
        365,
      ),
    }),
    ({ names, cert, key, days }): Action => async (globals, terminal) => {
      const given = names.length > 0 ? names : [Deno.hostname(), ownAddress("", "0.0.0.0")];
      const hosts = [...new Set([...given.map(checkHost), ...local])] as [string, ...string[]];
      const { makeSelfSigned } = await import("../tls/self_signed.ts");
      const made = await makeSelfSigned(hosts, days);
      await write(key, made.key, 0o600);
      await write(cert, made.cert, 0o644).catch(async (error) => {
        await Deno.remove(key);
        throw error;
      });
      const { readCertificate } = await import("../../http/tls/certificate.ts");
      const { fingerprint, expiresAt } = readCertificate({ cert, key });
      const until = new Date(expiresAt).toISOString();
      const view = isReadable(globals, terminal)
        ? formatFields([
          ["certificate", `${cert} (api.tls.cert)`],
          ["key", `${key} (api.tls.key)`],
          ["valid for", hosts.join(", ")],
          ["valid until", until],
          ["fingerprint", fingerprint],
        ])
        : JSON.stringify(
          {
            Certificate: cert,
            Key: key,
            Hosts: hosts,
            ValidUntil: until,
            Fingerprint: fingerprint,
          },
          null,
          "\t",
        );
      terminal.out.write(`${view}\n`);
    },
  ),
};

const fetch: Subcommand<Action> = {
  name: "fetch",
  brief: "Print the self-signed certificate of a node",
  options: map(
    object({
      url: argumentOf("URL", text, "URL of the node, https://HOST:PORT"),
      fingerprint: optionOf(
        "--fingerprint SHA256:HEX",
        text,
        "Fingerprint that the certificate must have",
      ),
    }),
    ({ url, fingerprint }): Action => async (_globals, terminal) => {
      const { fetchCertificate, pinnedCertificate } = await import("../client/certificate.ts");
      const endpoint = endpointOfUrl(url);
      if (fingerprint !== undefined) {
        return void terminal.out.write(await pinnedCertificate(endpoint, fingerprint));
      }
      const fetched = await fetchCertificate(endpoint);
      terminal.out.write(fetched.pem);
      terminal.err.write(
        `${fetched.fingerprint}\nCompare this fingerprint with that of the node before you trust the certificate.\n`,
      );
    },
  ),
};

/** Makes self-signed certificates, and fetches those of nodes. */
export const tls: Command = defineGroup({
  name: "tls",
  brief: "Create a self-signed certificate for a node, or fetch that of a node",
  description: "A self-signed certificate provides encryption without a CA. Clients trust it if " +
    "they have it (--ca, cluster.tls.ca), and can verify its fingerprint.",
  examples: [
    ["serverledge tls self-signed --name edge-1.example", "write node.crt and node.key"],
    [
      "serverledge tls fetch https://edge-1.example:1323 --fingerprint SHA256:... > edge-1.crt",
      "fetch the certificate, on another machine",
    ],
    [
      "serverledge status --host https://edge-1.example:1323 --ca edge-1.crt",
      "use it",
    ],
  ],
  subcommands: [selfSigned, fetch],
  run: (run, globals, terminal) => run(globals, terminal),
});

function checkHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) === 6 || /^[A-Za-z0-9._-]+$/.test(bare)) return bare;
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `--name: Expected a host name or an IP address without a port, but got "${host}"`,
  );
}

/** Writes a new file; one that exists may be in use. */
async function write(path: string, content: string, mode: number): Promise<void> {
  try {
    await Deno.writeTextFile(path, content, { createNew: true, mode });
  } catch (cause) {
    const reason = cause instanceof Deno.errors.AlreadyExists
      ? "the file exists; move it away, or choose another file with --cert and --key"
      : (cause as Error).message;
    throw new ServerledgeError("INVALID_REQUEST", `Cannot write ${path}: ${reason}`, { cause });
  }
}

/**
 * Subcommand `serverledge login`.
 *
 * @module
 */

import { resolve } from "node:path";
import { object } from "@optique/core/constructs";
import { ServerledgeError } from "../../base/errors.ts";
import { readContexts, writeContexts } from "../client/contexts.ts";
import { type Endpoint, endpointOfUrl } from "../client/endpoint.ts";
import { clientOf } from "../client/session.ts";
import { type Command, defineCommand } from "../command.ts";
import { readHiddenLine } from "../hidden_line.ts";
import { argumentOf, optionOf, text } from "../options/parts.ts";

/** Maximum length of a key on stdin, bytes. */
const maxKeyBytes = 16_384;

/** Keeps the URL of a node and a key for it. */
export const login: Command = defineCommand({
  name: "login",
  brief: "Save a node and its key for later commands",
  description:
    "Reads the key from SERVERLEDGE_KEY or stdin, checks it, and writes node and key to " +
    "a file in your configuration directory that only you can read. Later commands use " +
    "the latest context, or the one given with --context.",
  examples: [
    ["serverledge login http://edge1:1323", "prompt for the key"],
    ["serverledge login http://edge1:1323 --name edge < key.txt", "read the key from a file"],
    ["serverledge login https://edge1 --ca ca.pem", "also save the path of the CA certificate"],
    [
      "serverledge login https://edge1:1323 --fingerprint SHA256:...",
      "trusts the self-signed certificate with this fingerprint",
    ],
    ["serverledge list --context edge", "uses that node and key"],
  ],
  options: object({
    url: argumentOf("URL", text, "URL of the node or balancer"),
    name: optionOf("--name NAME", text, "Name of the context; default: the host"),
    fingerprint: optionOf(
      "--fingerprint SHA256:HEX",
      text,
      "Fingerprint of the node's self-signed certificate, which is kept if it has this one",
    ),
  }),
  async run({ url, name, fingerprint }, globals, terminal) {
    const endpoint = endpointOfUrl(url.endsWith("/") ? url : `${url}/`);
    const certificate = fingerprint && await pinned(endpoint, fingerprint, globals.ca);
    const key = terminal.env.SERVERLEDGE_KEY || await readKey(terminal.err.write);
    const ca = globals.ca && resolve(globals.ca);
    const entry = {
      url: new URL(url).origin,
      ...(key && { key }),
      ...(ca && { ca }),
      ...(certificate && { certificate }),
    };
    using node = clientOf({ ...endpoint, ...entry }, globals, terminal);
    const { json } = await node.get("/key").catch((error) => {
      throw error.code === "UNAUTHORIZED" ? refused(url, error) : error;
    });
    const { Required, Key } = json as {
      Required: boolean;
      Key: { Name: string; Role: string } | null;
    };
    if (Required && !Key) {
      throw new ServerledgeError(
        "UNAUTHORIZED",
        `${url} requires a key: give one on stdin or in SERVERLEDGE_KEY`,
      );
    }
    const context = name ?? endpoint.host;
    const known = await readContexts(terminal.env);
    await writeContexts(terminal.env, {
      current: context,
      contexts: { ...known.contexts, [context]: entry },
    });
    const who = Key ? `key "${Key.Name}" (${Key.Role})` : "no key";
    terminal.err.write(`Logged in to ${url} as context "${context}" with ${who}\n`);
  },
});

/** Returns the certificate of a node, once its fingerprint is verified. The key is not sent before. */
async function pinned(
  endpoint: Endpoint,
  fingerprint: string,
  ca: string | undefined,
): Promise<string> {
  if (ca !== undefined) {
    throw new ServerledgeError("INVALID_REQUEST", "--fingerprint and --ca exclude each other");
  }
  if (!endpoint.isSecure) {
    throw new ServerledgeError("INVALID_REQUEST", "--fingerprint needs a URL with https://");
  }
  const { pinnedCertificate } = await import("../client/certificate.ts");
  return await pinnedCertificate(endpoint, fingerprint);
}

/** The error of a node without a key advises to log in. */
function refused(url: string, cause: unknown): ServerledgeError {
  return new ServerledgeError(
    "UNAUTHORIZED",
    `${url} does not accept this key: it is incomplete, was revoked or has expired. Ask an admin for ` +
      "another one (serverledge keys create)",
    { cause },
  );
}

async function readKey(write: (text: string) => void): Promise<string> {
  if (Deno.stdin.isTerminal()) {
    return (await readHiddenLine("Key (hidden; empty: none): ", write)).trim();
  }
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of Deno.stdin.readable) {
    parts.push(part);
    size += part.length;
    // A line is enough, so that a program need not end its output.
    if (part.includes(0x0a) || size > maxKeyBytes) break;
  }
  return (await new Blob(parts).text()).trim();
}

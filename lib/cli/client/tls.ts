/**
 * Certificates that the commands trust.
 *
 * @module
 */

import { type Trust, trustCertificate, TrustFile } from "../../http/tls/trust.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Globals } from "../options/options.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Returns the certificates that are accepted in addition to those of public authorities: those of the
 * command line, otherwise of the endpoint's context, or of the environment.
 *
 * @returns undefined if none of them names any
 * @throws `CONFIG_INVALID` if a file has no certificate
 */
export function trustOf(
  endpoint: Pick<Endpoint, "ca" | "certificate">,
  globals: Pick<Globals, "ca">,
  { env }: Terminal,
): Trust | undefined {
  if (globals.ca !== undefined) return new TrustFile("--ca", globals.ca);
  if (endpoint.certificate !== undefined) return trustCertificate(endpoint.certificate);
  if (endpoint.ca !== undefined) return new TrustFile("ca of the context", endpoint.ca);
  const { SERVERLEDGE_CA: path = "" } = env;
  return path === "" ? undefined : new TrustFile("SERVERLEDGE_CA", path);
}

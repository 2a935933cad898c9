/**
 * Certificates that the commands trust.
 *
 * @module
 */

import { type Trust, TrustFile } from "../../http/tls/trust.ts";
import type { Globals } from "../options/options.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Returns the certificates that the command line or the environment adds to those of public authorities.
 *
 * @returns undefined if neither names any
 * @throws `CONFIG_INVALID` if the file has no certificate
 */
export function tlsOptions({ ca }: Pick<Globals, "ca">, { env }: Terminal): Trust | undefined {
  if (ca !== undefined) return new TrustFile("--ca", ca);
  const { SERVERLEDGE_CA: path = "" } = env;
  return path === "" ? undefined : new TrustFile("SERVERLEDGE_CA", path);
}

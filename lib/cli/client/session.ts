/**
 * A command's connection to its node.
 *
 * @module
 */

import { NodeClient } from "./client.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import type { Globals } from "../options/options.ts";
import { styled } from "../view/style.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Creates a client of the node that the command line, the environment or the configuration names.
 *
 * @throws `INVALID_REQUEST` if the host or port is invalid
 */
export async function connect(globals: Globals, terminal: Terminal): Promise<NodeClient> {
  return new NodeClient(await endpointOf(globals, terminal), traceOf(globals, terminal));
}

/**
 * Returns the address of the node that the command line, the environment or the configuration names.
 *
 * @throws `INVALID_REQUEST` if the host or port is invalid
 */
export async function endpointOf(globals: Globals, { env }: Terminal): Promise<Endpoint> {
  return await resolveEndpoint(globals, env, async () => {
    // Most calls read no configuration file, and need not load the schemas.
    const { configuredPort } = await import("../config/files.ts");
    return await configuredPort(env);
  });
}

/** Returns a function that shows requests and responses; undefined without `--verbose`. */
export function traceOf(
  { verbose }: Pick<Globals, "verbose">,
  { err }: Terminal,
): ((line: string) => void) | undefined {
  return verbose ? (line) => err.write(`${styled(err, "dim", line)}\n`) : undefined;
}

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
 * A client of the node that the command line, the environment or the configuration names.
 *
 * @throws `INVALID_REQUEST` where one of them names none
 */
export async function connect(globals: Globals, terminal: Terminal): Promise<NodeClient> {
  return new NodeClient(await endpointOf(globals, terminal), traceOf(globals, terminal));
}

/**
 * The node that the command line, the environment or the configuration names.
 *
 * @throws `INVALID_REQUEST` where one of them names none
 */
export async function endpointOf(globals: Globals, { env }: Terminal): Promise<Endpoint> {
  return await resolveEndpoint(globals, env, async () => {
    // Most calls have no configuration file to read, and none should pay for the schemas.
    const { configuredPort } = await import("../config/files.ts");
    return await configuredPort(env);
  });
}

/** Where each request and its response are shown; undefined unless `--verbose` asks for it. */
export function traceOf(
  { verbose }: Pick<Globals, "verbose">,
  { err }: Terminal,
): ((line: string) => void) | undefined {
  return verbose ? (line) => err.write(`${styled(err, "dim", line)}\n`) : undefined;
}

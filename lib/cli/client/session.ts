/**
 * A command's connection to its node.
 *
 * @module
 */

import { NodeClient } from "./client.ts";
import { readContexts } from "./contexts.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import type { Globals } from "../options/options.ts";
import { trustOf } from "./tls.ts";
import { styled } from "../view/style.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Creates a client of the node that the command line, the environment or the configuration names.
 *
 * @throws `INVALID_REQUEST` if the host or port is invalid
 */
export async function connect(globals: Globals, terminal: Terminal): Promise<NodeClient> {
  return clientOf(await endpointOf(globals, terminal), globals, terminal);
}

/**
 * Creates a client of a node, with the certificates that the command line names.
 *
 * @throws `CONFIG_INVALID` if their file is unusable
 */
export function clientOf(
  endpoint: Endpoint,
  globals: Pick<Globals, "verbose" | "ca">,
  terminal: Terminal,
): NodeClient {
  return new NodeClient(endpoint, {
    trace: traceOf(globals, terminal),
    trust: trustOf(endpoint, globals, terminal),
  });
}

/**
 * Returns the address of the node that the command line, the environment or the configuration names.
 *
 * @throws `INVALID_REQUEST` if the host or port is invalid
 */
export async function endpointOf(globals: Globals, { env }: Terminal): Promise<Endpoint> {
  return await resolveEndpoint(globals, env, () => readContexts(env), async () => {
    // Most calls read no configuration file, and need not load the schemas.
    const { configuredPort } = await import("../config/files.ts");
    return await configuredPort(env);
  });
}

/** Returns a function that shows requests and responses; undefined without `--verbose`. */
function traceOf(
  { verbose }: Pick<Globals, "verbose">,
  { err }: Terminal,
): ((line: string) => void) | undefined {
  return verbose ? (line) => err.write(`${styled(err, "dim", line)}\n`) : undefined;
}

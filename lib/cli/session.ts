/**
 * A command's connection to its node.
 *
 * @module
 */

import { NodeClient } from "./client.ts";
import { resolveEndpoint } from "./endpoint.ts";
import type { Globals } from "./options.ts";
import { styled } from "./style.ts";
import type { Terminal } from "./terminal.ts";

/**
 * A client of the node that the command line, the environment or the configuration names.
 *
 * @throws `INVALID_REQUEST` where one of them names none
 */
export async function connect(globals: Globals, terminal: Terminal): Promise<NodeClient> {
  const { env, err } = terminal;
  const endpoint = await resolveEndpoint(globals, env, async () => {
    // Most calls have no configuration file to read, and none should pay for the schemas.
    const { configuredPort } = await import("./config_files.ts");
    return await configuredPort(env);
  });
  const trace = (line: string) => err.write(`${styled(err, "dim", line)}\n`);
  return new NodeClient(endpoint, globals.verbose ? trace : undefined);
}

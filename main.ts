/**
 * The entry of the program: runs the command line and ends with its exit status.
 *
 * @module
 */

import { main } from "./cli.ts";

Deno.exit(await main(Deno.args));

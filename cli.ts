/**
 * The command line: the table of subcommands, in the order in which help lists them.
 *
 * @module
 */

import type { Command } from "./lib/cli/command.ts";
import { backup, restore } from "./lib/cli/commands/backup.ts";
import { bench } from "./lib/lab/commands/bench.ts";
import { config } from "./lib/cli/commands/config.ts";
import { create, update } from "./lib/cli/commands/create.ts";
import { deleteFunction } from "./lib/cli/commands/delete.ts";
import { doctor } from "./lib/cli/commands/doctor.ts";
import { images } from "./lib/cli/commands/images.ts";
import { invoke } from "./lib/cli/commands/invoke.ts";
import { keys } from "./lib/cli/commands/keys.ts";
import { lb } from "./lib/cli/commands/lb.ts";
import { licenses } from "./lib/cli/commands/licenses.ts";
import { list } from "./lib/cli/commands/list.ts";
import { login } from "./lib/cli/commands/login.ts";
import { logs } from "./lib/cli/commands/logs.ts";
import { nodes } from "./lib/cli/commands/nodes.ts";
import { policy } from "./lib/cli/commands/policy.ts";
import { poll } from "./lib/cli/commands/poll.ts";
import { prewarm } from "./lib/cli/commands/prewarm.ts";
import { secrets } from "./lib/cli/commands/secrets.ts";
import { service } from "./lib/cli/commands/service.ts";
import { simulate } from "./lib/lab/commands/simulate.ts";
import { start } from "./lib/cli/commands/start.ts";
import { status } from "./lib/cli/commands/status.ts";
import { tls } from "./lib/cli/commands/tls.ts";
import { version } from "./lib/cli/commands/version.ts";
import { systemTerminal } from "./lib/cli/terminal.ts";
import { runCommandLine } from "./lib/cli/run.ts";

/** The subcommands, in the order in which help lists them. */
export const commands: readonly Command[] = [
  start,
  lb,
  create,
  update,
  invoke,
  poll,
  bench,
  prewarm,
  deleteFunction,
  list,
  status,
  nodes,
  images,
  keys,
  secrets,
  login,
  logs,
  config,
  doctor,
  backup,
  restore,
  service,
  tls,
  policy,
  simulate,
  licenses,
  version,
];

/**
 * Runs one command line to its end.
 *
 * @param args the arguments after the program's name
 * @returns the exit status
 */
export function main(args: readonly string[]): Promise<number> {
  return runCommandLine(commands, args, systemTerminal());
}

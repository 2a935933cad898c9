/**
 * Runs the process of a node or a balancer: configuration, logging, server, signals.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { logger } from "../base/log.ts";
import { type DescriptorLimit, fewDescriptors, raiseDescriptorLimit } from "../base/descriptors.ts";
import type { Config } from "../config/config.ts";
import type { StartOptions } from "../node/node.ts";
import type { RunningNode } from "../node/serve.ts";
import { loadConfig } from "./config/files.ts";
import { exits } from "./exits.ts";
import { startSuccessors, tellServiceManager } from "./successor.ts";
import { greeting, missing } from "./view/greeting.ts";
import { startLogging } from "./logging.ts";
import type { ConfigOptions, Globals } from "./options/options.ts";
import type { Terminal } from "./terminal.ts";

/** Kind of server that a process runs. */
export interface ServerKind {
  /** Name for people: `Node`, `Balancer`. */
  readonly name: string;
  /** The subcommand that starts it. */
  readonly command: string;
  readonly start: (config: Config, options: StartOptions) => Promise<RunningNode>;
}

/**
 * Runs a server until a signal stops the process.
 *
 * @param options options of its subcommand
 * @param globals options of every command
 * @param terminal outputs and environment of the process
 * @param replaces true to take over from the running process of the node
 * @throws the error that prevented the start
 */
export async function runServer(
  kind: ServerKind,
  options: ConfigOptions,
  globals: Globals,
  terminal: Terminal,
  replaces = false,
): Promise<void> {
  if (globals.host !== undefined) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      "--host names a node to connect to; use --listen to set the address that serverledge " +
        `${kind.command} listens on`,
    );
  }
  // The configuration is read at the same time.
  const raising = raiseDescriptorLimit();
  const { config, warnings } = await loadConfig(options, globals.port, terminal.env);
  await using logging = startLogging({
    level: config["log.level"],
    format: config["log.format"],
  });
  const log = logger("cli");
  for (const warning of warnings) log.warn("{warning}", { warning });
  tellDescriptors(await raising);
  using stop = stopSignal();
  await using node = await kind.start(config, { infoLines: logging.infoLines, replaces });
  if (replaces) await tellServiceManager(terminal.env);
  const facts = { Url: node.url, Id: node.id, Area: config["registry.area"] };
  terminal.out.write(
    globals.json
      ? `${JSON.stringify(facts)}\n`
      : greeting(kind, facts, config["api.listen"], node.requiresKeys, terminal),
  );
  const reported = node.without?.then((problem) => {
    if (problem && !globals.json) terminal.out.write(missing(problem, terminal));
  });
  using _successors = node.replaced && startSuccessors(node.replaced);
  // A balancer is never replaced: only a signal stops it.
  const isReplaced = node.replaced
    ? await Promise.race([stop.asked, node.replaced.then(() => true)])
    : await stop.asked;
  log.info(
    isReplaced
      ? "Another process serves this node now: running requests may finish here"
      : "Stopping: running requests may finish; a second signal terminates at once",
  );
  await node.stop();
  await reported;
}

/** Warns if the limit of descriptors is low, with a remedy. */
function tellDescriptors({ soft, hard }: DescriptorLimit): void {
  if (soft >= fewDescriptors) return;
  const remedy = hard > soft
    ? "install prlimit (util-linux), or start it with ulimit -n or LimitNOFILE= set higher"
    : "start it with ulimit -n or LimitNOFILE= set higher";
  logger("cli").warn(
    "This process may open only {soft} file descriptors, which limits connections and " +
      "instances: {remedy}",
    { soft, remedy },
  );
}

/** Listens for the signals that stop a process: the first stops it gracefully, the second at once. */
function stopSignal(): Disposable & { readonly asked: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const onSignal = () => {
    if (++count > 1) Deno.exit(exits.interrupted);
    resolve();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return {
    asked: promise,
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    },
  };
}

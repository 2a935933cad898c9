/**
 * The life of a node's process: configuration, logging, node, signals.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { startNode } from "../node.ts";
import { loadConfig } from "./config_files.ts";
import { exits } from "./exits.ts";
import { startLogging } from "./logging.ts";
import type { ConfigOptions, Globals } from "./options.ts";
import { styled } from "./style.ts";
import type { Terminal } from "./terminal.ts";
import { warn } from "./warn.ts";

/**
 * Runs a node until the process is told to stop.
 *
 * @param options of `start`
 * @param globals of the command line
 * @param terminal the process's outside
 * @throws what kept the node from starting
 */
export async function runNode(
  options: ConfigOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<void> {
  if (globals.host !== undefined) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      "--host names a node to talk to; a node to start listens where --listen says",
    );
  }
  const { config, warnings } = await loadConfig(options, globals.port, terminal.env);
  for (const warning of warnings) warn(terminal, warning);
  await using _logging = await startLogging({
    level: config["log.level"],
    format: config["log.format"],
  });
  using stop = stopSignal();
  await using node = await startNode(config);
  const facts = { Url: node.url, Id: node.id, Area: config["registry.area"] };
  terminal.out.write(
    globals.json ? `${JSON.stringify(facts)}\n` : greeting(facts, config["api.listen"], terminal),
  );
  await stop.asked;
  terminal.err.write("Stopping: running invocations may finish; a second signal ends at once\n");
  await node.stop();
}

/**
 * What a started node says of itself: where it listens, who can reach it, and how to change that.
 *
 * @param node URL, id and area
 * @param listen the address that it listens on
 * @param terminal where it will be shown
 */
export function greeting(
  node: { readonly Url: string; readonly Id: string; readonly Area: string },
  listen: string,
  terminal: Pick<Terminal, "out">,
): string {
  const access = isLoopback(listen)
    ? "Only this machine can reach it. To open it to the network: serverledge start --listen 0.0.0.0\n" +
      "(then whoever reaches it can run code on this machine).\n"
    : "Whoever reaches this address can run code on this machine: keep it in a network you trust.\n";
  return `Node ${node.Id} in area ${node.Area} listens on ${
    styled(terminal.out, "bold", node.Url)
  }\n${access}`;
}

function isLoopback(address: string): boolean {
  return /^(127\.|::1$|\[::1\]$|localhost$)/.test(address);
}

/** Listens for the signals that stop a process: the first is told, the second ends it at once. */
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

/**
 * Messages of a node or a balancer that has started.
 *
 * @module
 */

import { styled } from "./style.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Describes a started server: where it listens, who can reach it, and how to change that.
 *
 * @param kind name of the server, and the subcommand that starts it
 * @param listen the address that it listens on
 * @param requiresKeys whether requests need a key
 * @param terminal where it will be shown
 */
export function greeting(
  kind: { readonly name: string; readonly command: string },
  node: { readonly Url: string; readonly Id: string; readonly Area: string },
  listen: string,
  requiresKeys: boolean,
  terminal: Pick<Terminal, "out">,
): string {
  const access = isLoopback(listen)
    ? "Only this machine can reach it. To accept connections from the network: serverledge keys init, " +
      `then serverledge ${kind.command} --listen 0.0.0.0.\n`
    : requiresKeys
    ? "Requests need a key: serverledge keys --help.\n"
    : "Anyone who can reach this address can run code on this machine: keep it in a trusted network.\n";
  return `${kind.name} ${node.Id} in area ${node.Area} listens on ${
    styled(terminal.out, "bold", node.Url)
  }\n${access}`;
}

/**
 * Describes what is unavailable to a started node.
 *
 * @param terminal where it will be shown
 */
export function missing(problem: string, terminal: Pick<Terminal, "out">): string {
  return `${styled(terminal.out, "yellow", "No containers:")} ${problem}.\n`;
}

function isLoopback(address: string): boolean {
  return /^(127\.|::1$|\[::1\]$|localhost$)/.test(address);
}

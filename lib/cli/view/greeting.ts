/**
 * Messages of a node or a balancer that has started.
 *
 * @module
 */

import { isLoopback } from "../../api/origin.ts";
import { styled } from "./style.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Describes a started server: where it listens, who can reach it, and how to change that.
 *
 * @param kind name of the server, and the subcommand that starts it
 * @param node its URL is the one for programs on this machine
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
  const url = styled(terminal.out, "bold", node.Url);
  const where = listen === "0.0.0.0" || listen === "::"
    ? `all addresses of this machine (${listen}); here: ${url}`
    : url;
  return `${kind.name} ${node.Id} in area ${node.Area} listens on ${where}\n${
    access(kind.command, isLoopback(listen), requiresKeys)
  }\n`;
}

function access(command: string, isLocal: boolean, requiresKeys: boolean): string {
  if (!isLocal) {
    return requiresKeys
      ? "Requests need a key: serverledge keys --help."
      : "Requests need no key: anyone who can reach it can run code on this machine. Keep it in a trusted network.";
  }
  const opening = `serverledge ${command} --listen 0.0.0.0`;
  return requiresKeys
    ? `Only this machine can reach it, and requests need a key. To accept connections from the network: ${opening}.`
    : "Only this machine can reach it. To accept connections from the network: serverledge keys init, " +
      `then ${opening}.`;
}

/**
 * Describes what is unavailable to a started node.
 *
 * @param terminal where it will be shown
 */
export function missing(problem: string, terminal: Pick<Terminal, "out">): string {
  return `${styled(terminal.out, "yellow", "No containers:")} ${problem}.\n`;
}

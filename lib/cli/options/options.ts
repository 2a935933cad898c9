/**
 * Options that several commands share.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { port } from "@optique/core/valueparser";
import { ServerledgeError } from "../../base/errors.ts";
import { argumentOf, file, flagOf, optionOf, optionsOf, text } from "./parts.ts";

/** Options of every command, before or after its name. */
export const globalOptions = object("Options of all commands", {
  host: optionOf(
    "-H --host HOST",
    text,
    "Node to connect to, or its URL, such as https://HOST:PORT; default: SERVERLEDGE_HOST, or 127.0.0.1",
  ),
  port: optionOf(
    "-P --port PORT",
    (meta) => port({ ...meta, min: 0 }),
    "Port of the node; default: SERVERLEDGE_PORT, api.port of the configuration, or 1323",
  ),
  context: optionOf(
    "--context NAME",
    text,
    "Node that serverledge login has saved under this name; default: the latest one",
  ),
  ca: optionOf(
    "--ca FILE",
    file,
    "PEM file with the CA certificate of a node with https://; default: SERVERLEDGE_CA, or public CAs",
  ),
  json: flagOf("--json", "Print the node's JSON; default if stdout is not a terminal"),
  verbose: flagOf("-v --verbose", "Print requests and responses to stderr"),
});

/** Values of the options of every command. */
export type Globals = InferValue<typeof globalOptions>;

/** Name of the function: by flag, as in the Go CLI, or by position. */
export const functionOption = object({
  flag: optionOf("-f --function NAME", text, "Name of the function"),
  argument: optional(argumentOf("NAME", text, "Name of the function")),
});

/**
 * Returns the function that a command line names.
 *
 * @param name values of {@link functionOption}
 * @param command name of the command, for the message
 * @throws `INVALID_REQUEST` if no function is named, or two different ones
 */
export function functionName(name: InferValue<typeof functionOption>, command: string): string {
  return oneOf(name.flag, name.argument, `the function: serverledge ${command} NAME`);
}

/**
 * Returns the value that is given at one of two places.
 *
 * @param what kind of value and how to give it, for the message
 * @throws `INVALID_REQUEST` if there is no value, or two different ones
 */
export function oneOf(
  flag: string | undefined,
  argument: string | undefined,
  what: string,
): string {
  const value = flag ?? argument;
  if (value === undefined) throw new ServerledgeError("INVALID_REQUEST", `Name ${what}`);
  if (flag !== undefined && argument !== undefined && flag !== argument) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `"${flag}" and "${argument}" are both given as names: give one, ${
        what.replace(/^the .*: /, "")
      }`,
    );
  }
  return value;
}

/** Options that set a node's configuration. */
export const configOptions = object({
  file: optional(argumentOf("CONFIG", file, "Configuration file: YAML, TOML or JSON")),
  config: optionOf("--config FILE", file, "Same as CONFIG"),
  listen: optionOf(
    "--listen ADDRESS",
    text,
    "api.listen: address to listen on; 0.0.0.0 accepts connections from the network",
  ),
  area: optionOf(
    "--area NAME",
    text,
    "registry.area: area (edge zone or cloud region) of the node",
  ),
  set: optionsOf("--set KEY=VALUE", text, "Any configuration key; repeatable"),
});

/** Values of the options that set a node's configuration. */
export type ConfigOptions = InferValue<typeof configOptions>;

/**
 * Options that several commands share. Their values are type aliases, since the parser library can
 * merge what extends a record, and an interface does not.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { type Message, message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { argument, flag, option } from "@optique/core/primitives";
import { port, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { ServerledgeError } from "../../base/errors.ts";

/** Options that every command takes, before or after its name. */
export type Globals = {
  /** Host of the node to talk to. */
  readonly host: string | undefined;
  /** Port of the node to talk to; of the node to start, for `start`. */
  readonly port: number | undefined;
  /** Tell what is sent and what comes back. */
  readonly verbose: true | undefined;
  /** Print the node's JSON, also on a terminal. */
  readonly json: true | undefined;
};

/** Reads the options that every command takes. */
export const globalOptions: Parser<"sync", Globals, Record<string | symbol, unknown>> = object(
  "Options of every command",
  {
    host: optional(option("-H", "--host", string({ metavar: "HOST" }), {
      description: message`Node to talk to; else SERVERLEDGE_HOST, else 127.0.0.1`,
    })),
    port: optional(option("-P", "--port", port({ metavar: "PORT", min: 0 }), {
      description: message`Its port; else SERVERLEDGE_PORT, api.port of the configuration, 1323`,
    })),
    json: optional(flag("--json", {
      description: message`Print the node's JSON; the default where stdout is no terminal`,
    })),
    verbose: optional(flag("-v", "--verbose", {
      description: message`Tell on stderr what is sent and what comes back`,
    })),
  },
);

/** Where a command line names its function: by flag, as in the Go CLI, or by position. */
export type FunctionName = {
  /** The value of `-f`. */
  readonly flag: string | undefined;
  /** The first argument. */
  readonly argument: string | undefined;
};

/** Reads the name of a function. */
export const functionOption: Parser<"sync", FunctionName, Record<string | symbol, unknown>> =
  object({
    flag: optional(option("-f", "--function", string({ metavar: "NAME" }), {
      description: message`Name of the function`,
    })),
    argument: optional(argument(string({ metavar: "NAME" }), {
      description: message`Name of the function`,
    })),
  });

/**
 * The one function that a command line names.
 *
 * @param name what was read
 * @param command the command, for the message
 * @throws `INVALID_REQUEST` if there is none, or two
 */
export function functionName(name: FunctionName, command: string): string {
  return oneOf(name.flag, name.argument, `the function: serverledge ${command} NAME`);
}

/**
 * The one value of two places where it may stand.
 *
 * @param flag the value of its flag
 * @param argument the value of its argument
 * @param what what it is and how to give it, for the message
 * @throws `INVALID_REQUEST` if there is none, or two
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
      `"${flag}" and "${argument}" are two names; name one: ${what.replace(/^the .*: /, "")}`,
    );
  }
  return value;
}

/** What the command line says about a node's configuration. */
export type ConfigOptions = {
  /** Configuration file, by position. */
  readonly file: string | undefined;
  /** Configuration file, by flag. */
  readonly config: string | undefined;
  /** Address to listen on. */
  readonly listen: string | undefined;
  /** Area of the node. */
  readonly area: string | undefined;
  /** Settings as `key=value`. */
  readonly set: readonly string[];
};

/** Reads what the command line says about a node's configuration. */
export const configOptions: Parser<"sync", ConfigOptions, Record<string | symbol, unknown>> =
  object({
    file: optional(argument(path({ metavar: "CONFIG" }), {
      description: message`Configuration file: YAML, TOML or JSON`,
    })),
    config: optional(option("--config", path({ metavar: "FILE" }), {
      description: message`Configuration file, the same as CONFIG`,
    })),
    listen: optional(option("--listen", string({ metavar: "ADDRESS" }), {
      description: message`api.listen: 0.0.0.0 opens the node to the network`,
    })),
    area: optional(option("--area", string({ metavar: "NAME" }), {
      description: message`registry.area: area (edge zone or cloud region) of the node`,
    })),
    set: multiple(option("--set", string({ metavar: "KEY=VALUE" }), {
      description: message`Any key of the configuration; repeat for more`,
    })),
  });

/**
 * Describes an option.
 *
 * @param text one or more sentences, as they are
 */
export function doc(text: string): { description: Message } {
  return { description: [{ type: "text", text }] };
}

/**
 * Subcommand `serverledge doctor`.
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import type { Result, State } from "../doctor/check.ts";
import { exits } from "../exits.ts";
import { configOptions } from "../options/options.ts";
import type { Output } from "../terminal.ts";
import { isReadable } from "../view/show.ts";
import { printable, styled } from "../view/style.ts";
import { warn } from "../view/warn.ts";

/** Checks whether this machine can run a node. */
export const doctor: Command = defineCommand({
  name: "doctor",
  brief: "Check whether this machine can run a node, and explain how to fix problems",
  description:
    "Checks Docker, images, control groups, etcd, access keys, clocks, ports, open files, disk, " +
    "certificates, the keys of a token issuer and the service with the configuration that start would use, and " +
    "changes nothing. Permissions are checked for the user that runs the command.",
  examples: [
    ["serverledge doctor", "all findings, each problem with its remedy"],
    ["sudo -u serverledge serverledge doctor", "as the user of the service"],
    ["serverledge doctor --json node.yaml", "for scripts; exit status 8 if there is an error"],
  ],
  options: configOptions,
  async run(options, globals, terminal) {
    // No other command needs the checks.
    const { loadConfig } = await import("../config/files.ts");
    const { dataDirectory } = await import("../../cluster/home.ts");
    const { runChecks } = await import("../doctor/check.ts");
    const { checks } = await import("../doctor/checks.ts");
    const { config, warnings } = await loadConfig(options, globals.port, terminal.env);
    for (const warning of warnings) warn(terminal, warning);
    const results = await runChecks(checks, {
      config,
      dataDirectory: dataDirectory(config["data.dir"]),
    });
    terminal.out.write(
      isReadable(globals, terminal)
        ? readableFindings(results, terminal.out)
        : `${JSON.stringify({ Findings: results.map(wireOf) }, null, "\t")}\n`,
    );
    return results.some(({ state }) => state === "error") ? exits.unfit : exits.ok;
  },
});

const colours: Readonly<Record<State, "green" | "yellow" | "red">> = {
  ok: "green",
  warning: "yellow",
  error: "red",
};

/**
 * Formats findings for people, problems with their remedies.
 *
 * @param output where they will be written
 */
export function readableFindings(
  results: readonly Result[],
  output: Pick<Output, "colour">,
): string {
  const width = Math.max(...results.map(({ check }) => check.length));
  const lines = results.flatMap(({ check, state, message, fix }) => {
    const head = `${styled(output, colours[state], state.padEnd(7))}  ${check.padEnd(width)}  `;
    const indent = " ".repeat(7 + 2 + width + 2);
    return [head + oneLine(message), ...(fix === undefined ? [] : [`${indent}→ ${oneLine(fix)}`])];
  });
  return `${lines.join("\n")}\n`;
}

function wireOf({ check, state, message, fix }: Result): Record<string, string | undefined> {
  return { Check: check, State: state, Message: message, Fix: fix };
}

function oneLine(text: string): string {
  return printable(text).replaceAll(/\s*\n\s*/g, " ");
}

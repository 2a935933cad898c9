/**
 * The manual page `serverledge(1)`, made from what the program's own help is made of.
 *
 * @module
 */

import type { DocEntry } from "@optique/core/doc";
import { getDocPageSync } from "@optique/core/parser";
import { formatUsage } from "@optique/core/usage";
import { commands } from "../../cli.ts";
import { version } from "../../lib/base/version.ts";
import type { Command } from "../../lib/cli/command.ts";
import { exitLegend } from "../../lib/cli/exits.ts";
import { globalOptions } from "../../lib/cli/options/options.ts";
import { environmentFile } from "../../lib/cli/service/unit.ts";
import { entries, exampleLines, innerNames, meaning, pageOf, termText, text } from "./commands.ts";

const files: readonly (readonly [path: string, meaning: string])[] = [
  [
    "/etc/serverledge/serverledge-conf.yaml",
    "Configuration of this machine's node; serverledge config --example prints every key.",
  ],
  [environmentFile, "Environment of the service, which only root can read: secrets, DOCKER_HOST."],
  ["/var/lib/serverledge", "Data of the service."],
];

/**
 * Makes the page.
 *
 * @param date date of the release, `YYYY-MM-DD`
 */
export function manPage(date: string): string {
  return [
    `.TH SERVERLEDGE 1 "${date}" "Serverledge ${version}" "User Commands"`,
    ".SH NAME",
    "serverledge \\- serverless functions on the edge and in the cloud",
    ".SH SYNOPSIS",
    ".B serverledge",
    "\\fICOMMAND\\fR [\\fIOPTION\\fR...]",
    ".SH DESCRIPTION",
    escape(
      "Node and client of a function-as-a-service runtime in one program. serverledge COMMAND --help " +
        "shows the help of a command.",
    ),
    ".SH COMMANDS",
    ...commands.flatMap(commandSection),
    ".SH OPTIONS OF EVERY COMMAND",
    ...entryList(entries(getDocPageSync(globalOptions)!)),
    ".SH EXIT STATUS",
    ...exitLegend.flatMap(([status, meaning]) => item(String(status), meaning)),
    ".SH FILES",
    ...files.flatMap(([path, meaning]) => item(path, meaning)),
    "",
  ].join("\n");
}

function commandSection(command: Command): string[] {
  const page = pageOf(command, []);
  const examples = exampleLines(page);
  return [
    `.SS ${escape(formatUsage("serverledge", page.usage!))}`,
    `${escape(text(page.brief))}.`,
    ...(page.description ? [".PP", escape(text(page.description))] : []),
    ...entryList(entries(page).filter(({ term }) => term.type !== "command")),
    ...innerNames(page).flatMap((name) => {
      const inner = pageOf(command, [name]);
      return [
        ".PP",
        `\\fB${escape(`${command.name} ${name}`)}\\fR: ${escape(text(inner.brief))}.`,
        ".RS",
        ...entryList(entries(inner)),
        ".RE",
      ];
    }),
    ...(examples ? [".PP", "Examples:", ".PP", ".EX", escape(examples), ".EE"] : []),
  ];
}

function entryList(list: readonly DocEntry[]): string[] {
  return list.flatMap((entry) => item(termText(entry.term), meaning(entry, (value) => value)));
}

function item(term: string, meaning: string): string[] {
  return [".TP", `.B ${escape(term)}`, escape(meaning)];
}

/** Escapes what roff would take for its own: backslashes, hyphens, and dots and quotes that begin a line. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(/^(?=[.'])/gm, "\\&");
}

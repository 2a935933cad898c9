/**
 * The reference of the command line, made from what the program's own help is made of.
 *
 * @module
 */

import type { DocEntry, DocPage } from "@optique/core/doc";
import { formatMessage, type Message } from "@optique/core/message";
import { getDocPageSync } from "@optique/core/parser";
import { formatUsage, type UsageTerm } from "@optique/core/usage";
import { commands } from "../../cli.ts";
import type { Command } from "../../lib/cli/command.ts";
import { exitLegend } from "../../lib/cli/exits.ts";
import { globalOptions } from "../../lib/cli/options/options.ts";
import { block, code, stack, table } from "./markdown.ts";

/** The page. */
export function commandLinePage(): string {
  return stack(
    "# Command line",
    "`serverledge COMMAND [OPTION...]`. Options may be written as the Go prototype reads them: `-fNAME`, `-f=NAME`, `--async=true`. " +
      "`serverledge COMMAND --help` shows a command's options on a terminal, and `serverledge completions bash` (or `zsh`, `fish`) " +
      "prints completions for a shell.",
    table(
      ["command", "what it does"],
      commands.map((command) => [
        `[\`${command.name}\`](#${command.name})`,
        text(pageOf(command, []).brief),
      ]),
    ),
    "## Options of every command",
    entryTable({ sections: [{ entries: entries(getDocPageSync(globalOptions)!) }] }),
    "## Exit statuses",
    table(["status", "meaning"], exitLegend.map(([status, meaning]) => [String(status), meaning])),
    "[The page of errors](errors.md) has the exit status of each error code.",
    ...commands.map(commandChapter),
  );
}

function commandChapter(command: Command): string {
  const page = pageOf(command, []);
  const inner = entries(page).flatMap(({ term }) => term.type === "command" ? [term.name] : []);
  return stack(
    `## ${command.name}`,
    `${text(page.brief)}.`,
    block(formatUsage("serverledge", page.usage!)),
    text(page.description),
    entryTable(page),
    ...inner.map((name) => {
      const own = pageOf(command, [name]);
      return stack(
        `### ${command.name} ${name}`,
        `${text(own.brief)}.`,
        block(formatUsage("serverledge", own.usage!)),
        entryTable(own),
      );
    }),
    examples(page),
  );
}

function pageOf({ name, parser }: Command, words: readonly string[]): DocPage {
  return getDocPageSync(parser, [name, ...words])!;
}

function entries({ sections }: DocPage): readonly DocEntry[] {
  return sections.flatMap((section) => section.entries);
}

function entryTable({ sections }: Pick<DocPage, "sections">): string {
  return stack(...sections.map(({ title, entries }) =>
    stack(
      title ? `${title}:` : "",
      table(
        ["option or argument", "meaning"],
        entries.map((entry) => [code(termText(entry.term)), meaning(entry)]),
      ),
    )
  ));
}

function termText(term: UsageTerm): string {
  switch (term.type) {
    case "option":
      return [term.names.join(", "), term.metavar].filter(Boolean).join(" ");
    case "argument":
      return term.metavar;
    case "command":
      return term.name;
    default:
      throw new Error(`An entry of the help is a ${term.type}`);
  }
}

function meaning({ description, default: value, choices }: DocEntry): string {
  const words = text(description);
  const isNamed = text(choices).split(", ").every((choice) => words.includes(choice));
  return words + (isNamed ? "" : ` (one of: ${text(choices)})`) +
    (value ? ` (default: ${code(text(value))})` : "");
}

function examples({ footer = [] }: DocPage): string {
  const lines = text(footer).split("\n").slice(1);
  return lines.length > 0 ? block(lines.map((line) => line.slice(2)).join("\n")) : "";
}

function text(message: Message = []): string {
  return formatMessage(message, { quotes: false }).trim();
}

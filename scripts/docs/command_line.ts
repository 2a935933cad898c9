/**
 * The reference of the command line, made from what the program's own help is made of.
 *
 * @module
 */

import type { DocPage } from "@optique/core/doc";
import { getDocPageSync } from "@optique/core/parser";
import { formatUsage } from "@optique/core/usage";
import { commands } from "../../cli.ts";
import type { Command } from "../../lib/cli/command.ts";
import { exitLegend } from "../../lib/cli/exits.ts";
import { globalOptions } from "../../lib/cli/options/options.ts";
import { entries, exampleLines, innerNames, meaning, pageOf, termText, text } from "./commands.ts";
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
  const inner = innerNames(page);
  const lines = exampleLines(page);
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
    lines && block(lines),
  );
}

function entryTable({ sections }: Pick<DocPage, "sections">): string {
  return stack(...sections.map(({ title, entries }) =>
    stack(
      title ? `${title}:` : "",
      table(
        ["option or argument", "meaning"],
        entries.map((entry) => [code(termText(entry.term)), meaning(entry, code)]),
      ),
    )
  ));
}

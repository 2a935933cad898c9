/**
 * What the program's own help says of each command, for the reference and the manual page.
 *
 * @module
 */

import type { DocEntry, DocPage } from "@optique/core/doc";
import { formatMessage, type Message } from "@optique/core/message";
import { getDocPageSync } from "@optique/core/parser";
import type { UsageTerm } from "@optique/core/usage";
import type { Command } from "../../lib/cli/command.ts";

/**
 * Returns the help of a command.
 *
 * @param words name of a command within it; none for the command itself
 */
export function pageOf({ name, parser }: Command, words: readonly string[]): DocPage {
  return getDocPageSync(parser, [name, ...words])!;
}

/** Returns the options, arguments and inner commands of a page. */
export function entries({ sections }: Pick<DocPage, "sections">): readonly DocEntry[] {
  return sections.flatMap((section) => section.entries);
}

/** Returns the names of the commands within a command. */
export function innerNames(page: DocPage): string[] {
  return entries(page).flatMap(({ term }) => term.type === "command" ? [term.name] : []);
}

/** Returns an option, argument or command as it is typed. */
export function termText(term: UsageTerm): string {
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

/**
 * Returns the meaning of an entry, with its choices and its default.
 *
 * @param code marks the default as something that is typed
 */
export function meaning(
  { description, default: value, choices }: DocEntry,
  code: (text: string) => string,
): string {
  const words = text(description);
  const isNamed = text(choices).split(", ").every((choice) => words.includes(choice));
  return words + (isNamed ? "" : ` (one of: ${text(choices)})`) +
    (value ? ` (default: ${code(text(value))})` : "");
}

/** Returns the lines of a command's examples; empty if it has none. */
export function exampleLines({ footer = [] }: DocPage): string {
  return text(footer).split("\n").slice(1).map((line) => line.slice(2)).join("\n");
}

/** Returns a message as plain text. */
export function text(message: Message = []): string {
  return formatMessage(message, { quotes: false }).trim();
}

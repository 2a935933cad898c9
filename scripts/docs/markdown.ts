/**
 * Pieces of Markdown that the pages of the reference are made of.
 *
 * @module
 */

/**
 * A table.
 *
 * @param head titles of its columns
 * @param rows cells, as Markdown
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text as code; nothing for an empty text. */
export function code(text: string): string {
  return text && `\`${text}\``;
}

/**
 * A block of code.
 *
 * @param lines its text
 * @param language for highlighting
 */
export function block(lines: string, language = ""): string {
  return `\`\`\`${language}\n${lines}\n\`\`\``;
}

/** Paragraphs, lists and tables one below the other; empty ones are left out. */
export function stack(...parts: readonly string[]): string {
  return parts.filter(Boolean).join("\n\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/**
 * Indents JSON text without changing its tokens.
 *
 * @module
 */

import { isJson } from "../../json/json.ts";

/**
 * Indents JSON by tabs, as Go's `json.Indent` does. The order of keys and the spelling of numbers and
 * escapes stay unchanged, which parsing and printing would not guarantee.
 *
 * @param text JSON text; any other text is returned unchanged
 * @returns the text without white space at its ends
 */
export function indentJson(text: string): string {
  const trimmed = text.trim();
  if (!isJson(trimmed)) return trimmed;
  const tokens = trimmed.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let depth = 0;
  let result = "";
  for (const [at, token] of tokens.entries()) {
    const open = tokens[at - 1] === "{" || tokens[at - 1] === "[";
    if (token === "}" || token === "]") {
      depth--;
      result += open ? token : `\n${"\t".repeat(depth)}${token}`;
    } else {
      if (open) result += `\n${"\t".repeat(depth)}`;
      result += token;
      if (token === "{" || token === "[") depth++;
      else if (token === ",") result += `\n${"\t".repeat(depth)}`;
      else if (token === ":") result += " ";
    }
  }
  return result;
}

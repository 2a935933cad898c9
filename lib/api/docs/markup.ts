/**
 * HTML made of templates in which every value is escaped.
 *
 * @module
 */

/** HTML that is safe to put on a page. */
export interface Markup {
  /** The HTML. */
  readonly text: string;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes text for HTML, in contents and in quoted attributes. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

/**
 * Template tag: text that is put in is escaped, markup is put in as it is. Space around the whole
 * is dropped, so that templates may be laid out for reading.
 *
 * @param parts the template's own text
 * @param values what is put in
 */
export function markup(parts: TemplateStringsArray, ...values: (string | Markup)[]): Markup {
  const text = parts.map((part, at) => {
    const value = values[at];
    if (at === 0) part = part.trimStart();
    if (value === undefined) return part.trimEnd();
    return part + (typeof value === "string" ? escape(value) : value.text);
  });
  return { text: text.join("") };
}

/**
 * Markup from HTML that this program wrote itself, never from what came in.
 *
 * @param text the HTML
 */
export function raw(text: string): Markup {
  return { text };
}

/**
 * One piece of markup after another.
 *
 * @param pieces in order
 */
export function join(pieces: readonly Markup[]): Markup {
  return { text: pieces.map((piece) => piece.text).join("") };
}

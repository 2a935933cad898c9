/**
 * Pieces of an SVG document as text.
 *
 * @module
 */

/** Attributes of an element; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Average width of a character, as a share of the font's size: a text's size must be guessed. */
const characterWidth = 0.56;

/**
 * An element.
 *
 * @param name of the element
 * @param attributes its attributes; numbers are rounded to what can be seen
 * @param content what is inside, as it is; empty: nothing
 */
export function element(name: string, attributes: Attributes, content = ""): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(coordinate(value!))}"`);
  return content === ""
    ? `<${name}${list.join("")}/>`
    : `<${name}${list.join("")}>${content}</${name}>`;
}

/**
 * A line of text.
 *
 * @param x where it is anchored
 * @param y its baseline
 * @param content the text, of any characters
 * @param attributes more of its attributes
 */
export function label(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeText(content) || " ");
}

/**
 * Text without meaning to XML and HTML; characters that XML cannot hold are replaced.
 *
 * @param text of any characters
 */
export function escapeText(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what is looked for
  return text.toWellFormed().replace(/[\x00-\x08\x0b-\x1f\ufffe\uffff]/g, "\u{FFFD}")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/**
 * Points as `points` and `d` attributes want them.
 *
 * @param points pairs of x and y
 */
export function pointList(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y]) => `${coordinate(x)},${coordinate(y)}`).join(" ");
}

/**
 * About how wide a text is.
 *
 * @param text the text
 * @param fontSize its size
 */
export function textWidth(text: string, fontSize: number): number {
  return text.length * fontSize * characterWidth;
}

function coordinate(value: string | number): string {
  return typeof value === "string" ? value : String(Math.round(value * 10) / 10);
}

/**
 * SVG elements as text.
 *
 * @module
 */

/** Attributes of an element; undefined ones are omitted. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Estimated average width of a character as a share of the font size. */
const characterWidth = 0.56;

/**
 * Formats an element.
 *
 * @param attributes its attributes; numbers are rounded to one decimal
 * @param content its content as markup
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
 * Formats a line of text.
 *
 * @param x horizontal anchor
 * @param y baseline
 * @param attributes further attributes
 */
export function label(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeText(content) || " ");
}

/** Escapes a text for XML and HTML; characters that XML does not allow are replaced. */
export function escapeText(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are replaced here
  return text.toWellFormed().replace(/[\x00-\x08\x0b-\x1f\ufffe\uffff]/g, "\u{FFFD}")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/**
 * Formats points for the attributes `points` and `d`.
 *
 * @param points pairs of x and y
 */
export function pointList(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y]) => `${coordinate(x)},${coordinate(y)}`).join(" ");
}

/** Estimates the width of a text. */
export function textWidth(text: string, fontSize: number): number {
  return text.length * fontSize * characterWidth;
}

function coordinate(value: string | number): string {
  return typeof value === "string" ? value : String(Math.round(value * 10) / 10);
}

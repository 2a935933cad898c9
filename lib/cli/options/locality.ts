/**
 * Option `--locality`: where the data of a function or a request may go.
 *
 * @module
 */

import type { Locality } from "../../model/locality.ts";

/**
 * Reads a locality.
 *
 * @param text `any`, `area`, `node`, or names of areas, separated by commas
 */
export function readLocality(text: string): Locality {
  if (text === "any" || text === "area" || text === "node") return text;
  return text.split(",").map((area) => area.trim()).filter((area) => area !== "");
}

/**
 * `--locality`: where the data of a function or a request may go.
 *
 * @module
 */

import { map, withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import type { Locality } from "../../model/locality.ts";
import { doc } from "./options.ts";

/** The option, as {@link Locality} has it; without it `any`. */
export const localityOption = withDefault(
  map(
    option(
      "--locality",
      string({ metavar: "WHERE" }),
      doc("Where its data may go: any, area, node, or areas with commas between"),
    ),
    readLocality,
  ),
  "any" as Locality,
);

/**
 * Reads a locality as people write it.
 *
 * @param text `any`, `area`, `node`, or names of areas with commas between
 */
export function readLocality(text: string): Locality {
  if (text === "any" || text === "area" || text === "node") return text;
  return text.split(",").map((area) => area.trim()).filter((area) => area !== "");
}

/**
 * Reads signatures of functions from a command line.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { exits } from "../exits.ts";

/** Types that the inputs and outputs of a function may have. */
export const signatureTypes: readonly string[] = [
  "Int",
  "Float",
  "Text",
  "Bool",
  "ArrayInt",
  "ArrayFloat",
  "ArrayBool",
  "ArrayText",
  "ArrayArrayInt",
  "ArrayArrayFloat",
  "Void",
];

/** One input or output of a function. */
interface SignatureEntry {
  readonly Name: string;
  /** One of {@link signatureTypes}. */
  readonly Type: string;
}

/**
 * Reads `name:Type` entries.
 *
 * @param items values of `-i` or `-o`, each with one entry or several, separated by commas
 * @throws `INVALID_REQUEST` with the invalid entry and the known types
 */
export function readSignature(items: readonly string[]): SignatureEntry[] {
  return items.flatMap((item) => item.split(",")).map((entry) => {
    const [name, type, ...rest] = entry.split(":").map((part) => part.trim());
    if (name && type && rest.length === 0 && signatureTypes.includes(type)) {
      return { Name: name, Type: type };
    }
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `"${entry}" is not part of a signature: use NAME:TYPE, where TYPE is one of ` +
        `${signatureTypes.join(", ")}`,
      { details: { exit: exits.signature } },
    );
  });
}

/**
 * Option `--class`: the class of service of a request.
 *
 * @module
 */

import { message } from "@optique/core/message";
import { string, type ValueParser } from "@optique/core/valueparser";

/**
 * Reads a class, by number or name. A node treats an unknown class as the default one without an error,
 * so texts that cannot be a class are refused here.
 */
export const qosClass: ValueParser<"sync", string> = string({
  metavar: "CLASS",
  // Neither empty nor a number with a fraction.
  pattern: /^(?!\s*$)(?![+-]?\d*\.\d*(?:e[+-]?\d+)?$)/i,
  errors: {
    patternMismatch: (text) =>
      message`${text} is not a QoS class: use its number (an integer) or its name`,
  },
});

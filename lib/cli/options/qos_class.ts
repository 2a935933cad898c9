/**
 * `--class`: the class of service that a request asks for.
 *
 * @module
 */

import { message } from "@optique/core/message";
import { string, type ValueParser } from "@optique/core/valueparser";

/**
 * Reads a class, by number or name. A node serves a class that it does not know as the default one
 * and says nothing, so what can be no class is refused here.
 */
export const qosClass: ValueParser<"sync", string> = string({
  metavar: "CLASS",
  // Neither empty nor a broken number.
  pattern: /^(?!\s*$)(?![+-]?\d*\.\d*(?:e[+-]?\d+)?$)/i,
  errors: {
    patternMismatch: (text) =>
      message`${text} is no QoS class: write its number, an integer, or its name.`,
  },
});

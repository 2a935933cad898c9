/**
 * Warns of entries of a folder that the function does not contain.
 *
 * @module
 */

import { quantity } from "../../base/quantity.ts";

/** Maximum number of paths that a warning names. */
const maxNamed = 3;

/** Paths within a folder that a source omits. */
export interface LeftOut {
  /** Symbolic links. */
  readonly links: readonly string[];
  /** Pipes, sockets and devices. */
  readonly others: readonly string[];
}

/** Returns a warning for each kind of omitted entries. */
export function leftOutWarnings({ links, others }: LeftOut): string[] {
  const warnings: string[] = [];
  if (links.length > 0) {
    const [noun, target, them] = links.length === 1
      ? ["link", "its target", "it"]
      : ["links", "their targets", "them"];
    const advice = `copy ${target} if the function needs ${them}`;
    warnings.push(`skipped ${links.length} ${noun}: ${named(links)}; ${advice}`);
  }
  if (others.length > 0) {
    warnings.push(
      `skipped ${quantity(others.length, "special file")}: ${named(others)}`,
    );
  }
  return warnings;
}

function named(paths: readonly string[]): string {
  const first = paths.toSorted().slice(0, maxNamed);
  return [...first, ...(paths.length > maxNamed ? ["..."] : [])].join(", ");
}

/**
 * Warns of entries of a folder that the function does not contain.
 *
 * @module
 */

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
    const [noun, theyPoint] = links.length === 1 ? ["link", "it points"] : ["links", "they point"];
    warnings.push(
      `left out ${links.length} ${noun}: ${
        named(links)
      }; copy what ${theyPoint} to if the function needs it`,
    );
  }
  if (others.length > 0) {
    warnings.push(
      `left out ${others.length} of neither file nor folder nor link: ${named(others)}`,
    );
  }
  return warnings;
}

function named(paths: readonly string[]): string {
  const first = paths.toSorted().slice(0, maxNamed);
  return [...first, ...(paths.length > maxNamed ? ["..."] : [])].join(", ");
}

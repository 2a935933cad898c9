/**
 * Where the data of a request may go: the privacy of functions and requests.
 *
 * @module
 */

import * as v from "valibot";

/** Maximum number of areas that one function or request may name. */
const maxAreas = 32;

/** Schema: `any` for everywhere, `area` or `node` for those of the arrival, or a list of areas. */
export const localitySchema = v.pipe(
  v.union([
    v.picklist(["any", "area", "node"]),
    v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(128))), v.maxLength(maxAreas)),
  ], 'expected "any", "area", "node" or a list of areas'),
  v.description("Where the request may be processed: any, area, node, or a list of areas"),
);

/** Where the data of a request may go. */
export type Locality = v.InferOutput<typeof localitySchema>;

/**
 * Returns the areas in which a request may run on another node than the one at which it arrived.
 *
 * @param localities localities of the function and the request, all of which must be met
 * @param originArea area in which the client sent the request
 * @returns undefined if it may run anywhere; an empty list if it may not leave its node
 */
export function allowedAreas(
  localities: readonly Locality[],
  originArea: string,
): readonly string[] | undefined {
  let allowed: readonly string[] | undefined;
  for (const locality of localities) {
    if (locality === "any") continue;
    const areas = locality === "node" ? [] : locality === "area" ? [originArea] : locality;
    allowed = allowed ? allowed.filter((area) => areas.includes(area)) : areas;
  }
  return allowed;
}

/**
 * Returns the locality of a request that a function sends while it processes data: the strictest that
 * meets all localities of that data.
 *
 * @param localities as for {@link allowedAreas}
 * @param originArea area in which the client sent the request that the function processes
 */
export function inheritedLocality(localities: readonly Locality[], originArea: string): Locality {
  const areas = allowedAreas(localities, originArea);
  if (!areas) return "any";
  return areas.length === 0 ? "node" : [...areas];
}

/**
 * Returns whether a request may run on the node at which it arrived from its client.
 *
 * @param localities as for {@link allowedAreas}
 * @param area area of the node
 */
export function mayStay(localities: readonly Locality[], area: string): boolean {
  return localities.every((locality) => !Array.isArray(locality) || locality.includes(area));
}

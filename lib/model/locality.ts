/**
 * Where the data of a request may go: the privacy of functions and requests.
 *
 * @module
 */

import * as v from "valibot";

/** Most areas that one function or request may name. */
const maxAreas = 32;

/** `any`: everywhere; `area`: not out of the area it arrived in; `node`: not off the node; or a list of areas. */
export const localitySchema = v.pipe(
  v.union([
    v.picklist(["any", "area", "node"]),
    v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(128))), v.maxLength(maxAreas)),
  ], 'expected "any", "area", "node" or a list of areas'),
  v.description("Where the data may go: any, area, node, or a list of areas"),
);

/** Where the data of a request may go. */
export type Locality = v.InferOutput<typeof localitySchema>;

/**
 * The areas in which a request may run on another node than the one it arrived at.
 *
 * @param localities what its function and the request itself ask for; all must be met
 * @param originArea the area in which the client handed it in
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
 * Whether a request may run on the node at which it arrived from its client.
 *
 * @param localities as for {@link allowedAreas}
 * @param area the node's
 */
export function mayStay(localities: readonly Locality[], area: string): boolean {
  return localities.every((locality) => !Array.isArray(locality) || locality.includes(area));
}

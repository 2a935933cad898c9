/**
 * Functions that tell the request that they got, and what they have to tell.
 *
 * @module
 */

/** Source of a `fetch(request)` function. */
export const showRequest = `
export default {
  async fetch(request) {
    const { method, url, headers } = request;
    const hasBody = request.body !== null;
    const names = [...headers.keys()].filter((name) => !name.startsWith("x-") && name !== "via");
    return Response.json({ method, url, hasBody, body: await request.text(), names,
      mine: headers.get("x-mine") });
  },
};`;

/** Targets behind `/fn/NAME` that have to arrive as they are. */
export const trickyTargets: readonly string[] = [
  "/?x=1&y=2&x=3",
  "/?q=a%20b+c&flag&e=",
  "/p?",
  "/p?a=%ff%FE;b~%7E",
  "/it?it's=(*)",
  "//example.com/x",
  "//",
  "/a%2Fb",
];

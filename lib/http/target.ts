/**
 * The target of a request.
 *
 * @module
 */

/**
 * Path and query of an absolute URL, as they were sent: `URL` would resolve `..` and encode anew.
 *
 * @param url absolute
 */
export function targetOf(url: string): string {
  const at = url.indexOf("/", url.indexOf("//") + 2);
  const target = at < 0 ? "/" : url.slice(at);
  const hash = target.indexOf("#");
  return hash < 0 ? target : target.slice(0, hash);
}

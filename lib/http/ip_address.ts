/**
 * Notations of IP addresses.
 *
 * @module
 */

/**
 * Returns an IPv6 address in the notation of URLs, which has one spelling for each address: hexadecimal groups
 * only, and at most one gap.
 *
 * @param address IPv6 address; its zone is removed
 */
export function canonicalIpv6(address: string): string {
  return new URL(`http://[${address.replace(/%.*$/, "")}]/`).hostname.slice(1, -1);
}

/**
 * Returns the eight 16-bit groups of an IPv6 address.
 *
 * @param address IPv6 address; its zone is ignored
 */
export function ipv6Groups(address: string): number[] {
  const [before = [], after = []] = canonicalIpv6(address).split("::").map((part) =>
    part === "" ? [] : part.split(":")
  );
  const gap = Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...gap, ...after].map((group) => parseInt(group, 16));
}

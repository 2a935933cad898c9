/**
 * Name servers that containers ask through their network. Some are on the machine itself or at a
 * link-local address, so the fence lets name resolution pass to them.
 *
 * @module
 */

import { isIPv4 } from "node:net";

/**
 * Files in which the engine looks for name servers. It reads the second one if systemd-resolved serves
 * the first, and asks name servers on loopback itself.
 */
const files = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/** Returns the IPv4 addresses of the machine's name servers, without those on loopback. */
export async function machineResolvers(): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file).catch(() => "")));
  return resolversIn(texts.join("\n"));
}

/**
 * Finds name servers in the text of a configuration.
 *
 * @param text lines of resolv.conf(5)
 */
export function resolversIn(text: string): string[] {
  const addresses = [...text.matchAll(/^nameserver[ \t]+(\S+)/gm)].map(([, address]) => address!);
  return [...new Set(addresses)].filter((one) => isIPv4(one) && !one.startsWith("127."));
}

/**
 * Check for addresses of this machine or its links. It protects local services from requests on behalf
 * of users.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import { canonicalIpv6 } from "./ip_address.ts";

/** Linux's directory of network interfaces (sysfs-class-net). */
const interfacesFolder = "/sys/class/net";

/**
 * Returns whether an address belongs to no other machine, given the current interfaces of this machine.
 * Addresses of this machine's containers and virtual machines count as its own.
 *
 * @param address IPv4 or IPv6 address
 */
export function isThisMachine(address: string): boolean {
  const own = Deno.networkInterfaces().map(({ name, address, cidr }) =>
    isInternalBridge(name) ? cidr : address
  );
  return isOfNoOther(address, own);
}

/** Returns whether an interface is a bridge without a port that leads out of this machine. */
function isInternalBridge(name: string): boolean {
  try {
    return [...Deno.readDirSync(`${interfacesFolder}/${name}/brif`)]
      .every(({ name: port }) =>
        [...Deno.readDirSync(`${interfacesFolder}/${port}`)]
          // A physical interface, or one on top of another, such as a VLAN.
          .every(({ name: entry }) => entry !== "device" && !entry.startsWith("lower_"))
      );
  } catch {
    return false; // It is no bridge, or has just been removed.
  }
}

/**
 * Returns whether an address belongs to no other machine. That includes loopback, link-local (clouds
 * serve the credentials of a machine there), unspecified, multicast, and addresses of interfaces.
 *
 * @param address IPv4 or IPv6 address
 * @param own addresses of this machine's interfaces, and its subnets as ADDRESS/PREFIX
 */
export function isOfNoOther(address: string, own: readonly string[]): boolean {
  const list = localAddresses();
  for (const one of own) {
    const [start, prefix] = one.split("/") as [string, string?];
    const family = isIP(start) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(start, family);
    else list.addSubnet(start, Number(prefix), family);
  }
  return isIn(list, address);
}

function isIn(list: BlockList, address: string): boolean {
  if (isIP(address) === 4) return list.check(address, "ipv4");
  const canonical = canonicalIpv6(address);
  const embedded = embeddedIpv4(canonical);
  return embedded ? isIn(list, embedded) : list.check(canonical, "ipv6");
}

/** Returns the IPv4 address in an IPv4-mapped, IPv4-compatible or NAT64 address (RFC 4291, RFC 6052). */
function embeddedIpv4(canonical: string): string | undefined {
  const pattern = /^(?:::ffff:|::|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
  const parts = pattern.exec(canonical);
  if (!parts) return undefined;
  const bits = (parseInt(parts[1]!, 16) << 16 | parseInt(parts[2]!, 16)) >>> 0;
  return [24, 16, 8, 0].map((shift) => bits >>> shift & 255).join(".");
}

function localAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet("0.0.0.0", 8, "ipv4");
  list.addSubnet("127.0.0.0", 8, "ipv4");
  list.addSubnet("169.254.0.0", 16, "ipv4");
  list.addAddress("::", "ipv6");
  list.addAddress("::1", "ipv6");
  list.addSubnet("fe80::", 10, "ipv6");
  list.addSubnet("224.0.0.0", 4, "ipv4");
  list.addAddress("255.255.255.255", "ipv4");
  list.addSubnet("ff00::", 8, "ipv6");
  return list;
}

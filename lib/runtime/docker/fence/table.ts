/**
 * Table of nf_tables, the kernel's firewall, that keeps containers away from their machine. In the
 * notation of nft(8):
 *
 * ```
 * table inet TABLE {
 *   chain fence {
 *     type filter hook prerouting priority raw; policy accept;
 *     iifname != DEVICE accept
 *     meta nfproto != ipv4 drop
 *     ip daddr RESOLVER meta l4proto udp th dport 53 accept
 *     ip daddr RESOLVER meta l4proto tcp th dport 53 accept
 *     ip daddr 169.254.0.0/16 drop
 *     fib daddr oifname DEVICE drop
 *     meta l4proto PROTOCOL th dport PORT accept
 *     fib daddr type != unicast drop
 *   }
 *   chain machine {
 *     type filter hook input priority filter; policy accept;
 *     iifname != DEVICE accept
 *     ip daddr RESOLVER meta l4proto udp th dport 53 accept
 *     ip daddr RESOLVER meta l4proto tcp th dport 53 accept
 *     meta l4proto PROTOCOL th dport PORT accept
 *     drop
 *   }
 * }
 * ```
 *
 * The first chain comes before address translation, so it also holds for ports that other containers
 * publish. The second one comes after it, for addresses elsewhere that another program translates to this
 * machine's, such as those of the services of Kubernetes. An `accept` ends only its chain, while a `drop` is
 * final: no rule of another program can annul it.
 *
 * @module
 * @see https://wiki.nftables.org/wiki-nftables/index.php/Netfilter_hooks
 */

import { concatBytes } from "../../../base/bytes.ts";
import { attribute, bigEndian, type Bytes, message, nested, number, text } from "./netlink.ts";

/** Port of a service. */
export interface ServicePort {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** What a fence holds off, and what passes it. */
export interface FenceRules {
  /** Name of the table. */
  readonly table: string;
  /** Network interface through which the machine receives what the containers send. */
  readonly device: string;
  /** IPv4 addresses of name servers. */
  readonly resolvers: readonly string[];
  /** Ports of this machine that may be reached. */
  readonly ports: readonly ServicePort[];
}

/**
 * Reads a list of ports.
 *
 * @param list value of `container.reach`, for example `tcp/1883, udp/53`
 */
export function readServicePorts(list: string): ServicePort[] {
  return [...list.matchAll(/(tcp|udp)\/(\d+)/g)].map(([, protocol, port]) => ({
    protocol: protocol as ServicePort["protocol"],
    port: Number(port),
  }));
}

// linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h
const subsystem = 10;
const batchBegin = 0x10;
const batchEnd = 0x11;
const newTable = subsystem << 8;
const deleteTable = subsystem << 8 | 2;
const newChain = subsystem << 8 | 3;
const newRule = subsystem << 8 | 6;
const acknowledge = 4;
const create = 0x400;
const append = 0x800;
const familyInet = 1;
/** Places in the kernel where a chain can be hooked in, and the priority of the chain there. */
const beforeTranslation = { hook: 0, priority: -300 };
const input = { hook: 1, priority: 0 };
/** Register that receives what a rule compares; register 0 holds the outcome. */
const register = 1;
const isEqual = 0;
const isNot = 1;
const drop = 0;
const accept = 1;
const interfaceNameBytes = 16;
const protocols = { tcp: 6, udp: 17 };
const dnsPort = 53;

/**
 * Creates the messages that put up a table in place of an existing one, all at once. The last one is
 * acknowledged.
 */
export function installation(rules: FenceRules): Bytes {
  const name = text(1, rules.table);
  return batch([
    // Deleting a table that does not exist would fail.
    request(newTable, create, name),
    request(deleteTable, 0, name),
    request(newTable, create, name),
    ...filter(rules.table, "fence", beforeTranslation, destinationRules(rules)),
    ...filter(rules.table, "machine", input, machineRules(rules)),
    request(newTable, create | acknowledge, name),
  ]);
}

/** Creates the messages that remove a table, existing or not. */
export function removal(table: string): Bytes {
  const name = text(1, table);
  return batch([request(newTable, create, name), request(deleteTable, acknowledge, name)]);
}

/** Creates the messages that add a chain with rules, each of which consists of expressions. */
function filter(
  table: string,
  chain: string,
  { hook, priority }: { readonly hook: number; readonly priority: number },
  rules: readonly Bytes[][],
): Bytes[] {
  const name = text(1, table);
  const place = nested(4, number(1, hook), number(2, priority));
  return [
    request(newChain, create, name, text(3, chain), place, text(7, "filter")),
    ...rules.map((expressions) => {
      const list = nested(4, ...expressions.map((one) => nested(1, one)));
      return request(newRule, create | append, name, text(2, chain), list);
    }),
  ];
}

function destinationRules(rules: FenceRules): Bytes[][] {
  const device = interfaceName(rules.device);
  return [
    [...meta("interface", isNot, device), outcome(accept)],
    [...meta("family", isNot, Uint8Array.of(2)), outcome(drop)],
    ...resolverRules(rules),
    [...destination(Uint8Array.of(169, 254)), outcome(drop)],
    [...route("device", isEqual, device), outcome(drop)],
    ...portRules(rules),
    [...route("type", isNot, Uint8Array.of(1, 0, 0, 0)), outcome(drop)],
  ];
}

function machineRules(rules: FenceRules): Bytes[][] {
  return [
    [...meta("interface", isNot, interfaceName(rules.device)), outcome(accept)],
    ...resolverRules(rules),
    ...portRules(rules),
    [outcome(drop)],
  ];
}

function resolverRules({ resolvers }: FenceRules): Bytes[][] {
  return resolvers.flatMap((address) =>
    (["udp", "tcp"] as const).map((protocol) => [
      ...destination(Uint8Array.from(address.split("."), Number)),
      ...service({ protocol, port: dnsPort }),
      outcome(accept),
    ])
  );
}

function portRules({ ports }: FenceRules): Bytes[][] {
  return ports.map((port) => [...service(port), outcome(accept)]);
}

/** Compares a property of the packet: the interface's name, or the number of the protocol. */
function meta(property: "interface" | "family" | "protocol", how: number, value: Bytes): Bytes[] {
  const key = { interface: 6, family: 15, protocol: 16 }[property];
  return [expression("meta", number(2, key), number(1, register)), compare(how, value)];
}

/** Compares the first bytes of the IPv4 destination address. */
function destination(prefix: Bytes): Bytes[] {
  return payload(1, 16, prefix);
}

function service({ protocol, port }: ServicePort): Bytes[] {
  return [
    ...meta("protocol", isEqual, Uint8Array.of(protocols[protocol])),
    ...payload(2, 2, bigEndian(port, 2)),
  ];
}

/**
 * Compares bytes of the packet.
 *
 * @param base 1 for the network header, 2 for the transport header
 */
function payload(base: number, offset: number, value: Bytes): Bytes[] {
  const where = [number(2, base), number(3, offset), number(4, value.length)];
  return [expression("payload", number(1, register), ...where), compare(isEqual, value)];
}

/** Compares what the routing table says of the destination: the outgoing interface, or the kind of route. */
function route(property: "device" | "type", how: number, value: Bytes): Bytes[] {
  const result = { device: 2, type: 3 }[property];
  const ofDestination = 2;
  return [
    expression("fib", number(1, register), number(2, result), number(3, ofDestination)),
    compare(how, value),
  ];
}

function compare(how: number, value: Bytes): Bytes {
  return expression("cmp", number(1, register), number(2, how), nested(3, attribute(1, value)));
}

function outcome(code: number): Bytes {
  return expression("immediate", number(1, 0), nested(2, nested(2, number(1, code))));
}

function expression(name: string, ...attributes: readonly Bytes[]): Bytes {
  return concatBytes([text(1, name), nested(2, ...attributes)]);
}

function interfaceName(name: string): Bytes {
  return concatBytes([
    new TextEncoder().encode(name),
    new Uint8Array(interfaceNameBytes - name.length),
  ]);
}

function request(type: number, flags: number, ...attributes: readonly Bytes[]): Bytes {
  return message(type, flags, netfilterHeader(familyInet, 0), ...attributes);
}

function batch(requests: readonly Bytes[]): Bytes {
  const header = netfilterHeader(0, subsystem);
  return concatBytes([message(batchBegin, 0, header), ...requests, message(batchEnd, 0, header)]);
}

/** Header of netfilter's messages: family, version, resource. */
function netfilterHeader(family: number, resource: number): Bytes {
  return concatBytes([Uint8Array.of(family, 0), bigEndian(resource, 2)]);
}

/**
 * Signatures of HTTP messages between nodes. A signature covers the head of a message, without what
 * belongs to the connection, and a header with the digest of its body. Balancers pass the digest on
 * and sign the head again, so that they need not read bodies.
 *
 * @module
 */

import type { HeaderPair } from "../../http/head.ts";

/** Header with the signature of a request or a response. */
export const signatureHeader = "serverledge-signature";
/** Header with the SHA-256 of the body, in hex; a body without it is not covered by the signature. */
export const digestHeader = "serverledge-digest";
/** Header of a response that rejects a request for a former process of its node: the id of this process. */
export const processHeader = "serverledge-process";
/** Header of the same response: how long this process has been running, ms. */
export const uptimeHeader = "serverledge-uptime-ms";

/** First word of a signature; changed when older nodes could not understand it. */
const version = "2";
const wordPattern = /^[A-Za-z0-9._-]{1,128}$/;
const macPattern = /^[0-9a-f]{64}$/;

/** Headers that belong to a connection, or that proxies replace; others must arrive unchanged. */
const uncovered: ReadonlySet<string> = new Set([
  signatureHeader,
  "connection",
  "content-length",
  "date",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "server",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "vary",
  "via",
]);

/** A process of a node. */
export interface NodeProcessId {
  /** Id of the node. */
  readonly id: string;
  /** Id of its process, which changes with every start. */
  readonly process: string;
}

/** What a signed request says of itself. */
export interface RequestStamp {
  readonly sender: NodeProcessId;
  readonly receiver: NodeProcessId;
  /** Number of the message, unique for the sender's process. */
  readonly number: number;
  /** The sender's wall clock, ms. */
  readonly signedAt: number;
}

/** Head of a request or response, as far as it is signed. */
export interface SignedHead {
  /** Method and target, or status. */
  readonly start: string;
  readonly headers: Iterable<HeaderPair>;
}

/** Writes the header of a signed request. */
export function writeRequestSignature(stamp: RequestStamp, mac: string): string {
  return `${version} ${stampText(stamp)} ${mac}`;
}

/**
 * Reads the header of a signed request.
 *
 * @returns undefined if it is not in this version's format
 */
export function readRequestSignature(
  header: string,
): { readonly stamp: RequestStamp; readonly mac: string } | undefined {
  const words = header.split(" ");
  const [first, id, process, toId, toProcess, number, signedAt, mac] = words;
  if (words.length !== 8 || first !== version || !macPattern.test(mac!)) return undefined;
  if (![id, process, toId, toProcess].every((word) => wordPattern.test(word!))) return undefined;
  const [n, at] = [Number(number), Number(signedAt)];
  if (!Number.isSafeInteger(n) || n < 0 || !Number.isSafeInteger(at)) return undefined;
  const stamp: RequestStamp = {
    sender: { id: id!, process: process! },
    receiver: { id: toId!, process: toProcess! },
    number: n,
    signedAt: at,
  };
  return { stamp, mac: mac! };
}

/** Writes the header of a signed response. */
export function writeResponseSignature(mac: string): string {
  return `${version} ${mac}`;
}

/** Reads the header of a signed response. @returns undefined if it is not in this version's format */
export function readResponseSignature(header: string): string | undefined {
  const [first, mac, ...rest] = header.split(" ");
  return first === version && rest.length === 0 && macPattern.test(mac ?? "") ? mac : undefined;
}

/** Text that the signature of a request covers. */
export function requestText(stamp: RequestStamp, head: SignedHead): string {
  return `${stampText(stamp)}\n${headText(head)}`;
}

/**
 * Text that the signature of a response covers.
 *
 * @param requestMac signature of the request, which is unique
 */
export function responseText(requestMac: string, head: SignedHead): string {
  return `${requestMac}\n${headText(head)}`;
}

/** Returns the value of a header; undefined if there is none. */
export function headerOf(headers: Iterable<HeaderPair>, name: string): string | undefined {
  for (const [each, value] of headers) if (each === name) return value;
  return undefined;
}

function stampText({ sender, receiver, number, signedAt }: RequestStamp): string {
  return `${sender.id} ${sender.process} ${receiver.id} ${receiver.process} ${number} ${signedAt}`;
}

/**
 * Neither names nor values contain a line end, so different heads have different texts. Only the order
 * of headers with different names makes no difference.
 */
function headText({ start, headers }: SignedHead): string {
  const covered: HeaderPair[] = [];
  for (const pair of headers) if (!uncovered.has(pair[0])) covered.push(pair);
  covered.sort(byName);
  let text = start;
  for (const [name, value] of covered) text += `\n${name}:${value}`;
  return text;
}

function byName([one]: HeaderPair, [other]: HeaderPair): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/**
 * What keys cost: warm invocations with a key against the same at a node without keys, and how soon a revoked
 * key is invalid on another node.
 *
 * @module
 */

import { startEtcd } from "../../../tests/support/etcd.ts";
import { invokeBody, MeasuredNode } from "../node/client.ts";
import type { Results } from "../results.ts";
import { inRounds, isShort, loadRounds, loadSeconds, warmUpSeconds } from "../rounds.ts";
import { load } from "../wrk.ts";

const instances = 4;
const clients = 16;
/** Keys that are revoked. */
const revocations = isShort ? 2 : 100;
/** Longest wait for a key to become valid or invalid, ms. */
const visibleWithinMs = 10_000;

/** Measures warm invocations with and without a key, in turn. */
export async function measureKeyCost(results: Results): Promise<void> {
  await using open = await MeasuredNode.start(instances);
  await using guarded = await MeasuredNode.start(instances);
  for (const node of [open, guarded]) {
    await node.create("trivial", "deno");
    await node.prewarm("trivial", instances);
  }
  const { url } = guarded.process;
  const admin = await issue(url, { Name: "root", Role: "admin" });
  const key = await issue(url, { Name: "client", Role: "invoker", Functions: ["triv*"] }, admin);
  const [openUrl, guardedUrl] = [open, guarded].map((node) => node.invokeUrl("trivial"));
  const withoutKey = () => load(openUrl!, invokeBody, clients, loadSeconds);
  const withKey = () => load(guardedUrl!, invokeBody, clients, loadSeconds, authorization(key));
  await load(openUrl!, invokeBody, clients, warmUpSeconds);
  await load(guardedUrl!, invokeBody, clients, warmUpSeconds, authorization(key));
  const ratios = await inRounds(async (round) => {
    // Each goes first as often as the other.
    const first = round % 2 === 0;
    const before = first ? await withoutKey() : undefined;
    const keyed = await withKey();
    const plain = before ?? await withoutKey();
    return keyed.rate / plain.rate;
  }, loadRounds);
  results.add("auth_ratio", "ratio", ratios);
}

/** Measures how long a key stays valid on another node after it was revoked. */
export async function measureRevocation(results: Results): Promise<void> {
  await using etcd = await startEtcd();
  const config = {
    "etcd.address": etcd.endpoint,
    "registry.udp.port": 0,
    "cluster.secret": "bench",
  };
  await using first = await MeasuredNode.start(1, config);
  await using second = await MeasuredNode.start(1, config);
  const [one, other] = [first.process.url, second.process.url];
  const admin = await issue(one, { Name: "root", Role: "admin" });
  const times: number[] = [];
  for (let i = 0; i < revocations; i++) {
    const name = `key-${i}`;
    const key = await issue(one, { Name: name, Role: "viewer" }, admin);
    await becomes(other, key, (status) => status === 200);
    await post(`${one}/keys/${name}/revoke`, {}, admin);
    const revokedAt = performance.now();
    // 401, or 429 after many invalid keys of one address.
    await becomes(other, key, (status) => status !== 200);
    times.push(performance.now() - revokedAt);
  }
  times.sort((a, b) => a - b);
  results.add("revoke_visible_p50_ms", "ms", [times[times.length >> 1]!]);
  results.add("revoke_visible_p99_ms", "ms", [times[Math.ceil(times.length * 0.99) - 1]!]);
}

function authorization(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

async function issue(url: string, grant: object, admin?: string): Promise<string> {
  const { Key } = await post(`${url}/keys`, grant, admin) as { Key: string };
  return Key;
}

async function post(url: string, body: object, key?: string): Promise<unknown> {
  const headers = key === undefined ? {} : authorization(key);
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${text}`);
  return JSON.parse(text);
}

async function becomes(
  url: string,
  key: string,
  isReached: (status: number) => boolean,
): Promise<void> {
  const signal = AbortSignal.timeout(visibleWithinMs);
  for (;;) {
    const response = await fetch(`${url}/key`, { headers: authorization(key), signal });
    await response.body?.cancel();
    if (isReached(response.status)) return;
  }
}

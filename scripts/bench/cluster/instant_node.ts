/**
 * A peer that answers at once: what an offloading node can carry must not be bounded by the node
 * that it sends to.
 *
 * @module
 */

import { connectEtcd } from "../../../lib/registry/etcd/registry.ts";
import type { WireReport } from "../../../lib/model/invocation.ts";

/** What it answers every invocation with. */
const report: WireReport = {
  Success: true,
  Result: '{"next":42}',
  ResponseTime: 0,
  IsWarmStart: true,
  InitTime: 0,
  QueueingTime: 0,
  OffloadLatency: 0,
  Duration: 0,
  Output: "",
  ExecutionArea: "INSTANT",
  ExecutionNode: "instant",
  StartTier: "warm",
};

/**
 * Starts it and registers it as the balancer of area `INSTANT`, so that nodes use it as their cloud.
 *
 * @param etcd where nodes register, `host:port`
 */
export async function startInstantNode(etcd: string): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const body = JSON.stringify(report);
  const headers = { "content-type": "application/json" };
  const server = stack.adopt(
    Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        await request.text();
        return new Response(body, { headers });
      },
    ),
    (server) => server.shutdown(),
  );
  const registry = stack.use(connectEtcd({ endpoints: [etcd] }));
  stack.use(registry.registerNode({
    id: report.ExecutionNode,
    area: report.ExecutionArea,
    role: "balancer",
    url: `http://127.0.0.1:${server.addr.port}`,
    udp: "",
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    incarnation: crypto.randomUUID(),
  }));
  return stack.move();
}

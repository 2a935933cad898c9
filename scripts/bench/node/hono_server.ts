/**
 * What the warm path is compared with: a plain hono route that answers a constant of the size of a
 * report. Takes its port as an argument.
 *
 * @module
 */

import { Hono } from "hono";

const report = {
  Success: true,
  Result: '{"next": 42}',
  ResponseTime: 0.000312,
  IsWarmStart: true,
  InitTime: 0.000041,
  QueueingTime: 0,
  OffloadLatency: 0,
  Duration: 0.000268,
  Output: "",
  ExecutionArea: "ROME",
  ExecutionNode: "0123456789abcdefghijkl",
  StartTier: "warm",
};

if (import.meta.main) {
  const app = new Hono().post("/invoke/:name", (context) => context.json(report));
  const port = Number(Deno.args[0]);
  Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, app.fetch);
}

import assert from "node:assert/strict";
import type { BalancerStatus } from "../../balancer/status.ts";
import { isBalancerStatus, readableBalancer } from "./balancer.ts";

const status: BalancerStatus = {
  Role: "balancer",
  Node: "lb-1",
  Area: "CLOUD",
  Version: "0.1.0",
  UptimeS: 61,
  LastUpdateTime: 0,
  TotalMemory: 2048,
  AvailableMemory: 1000,
  TotalCPU: 4,
  UsedCPU: 1,
  Functions: 3,
  Running: 2,
  Registry: { Kind: "etcd (10.0.0.2:2379)", Ok: true },
  Targets: [
    {
      Node: "a",
      Url: "http://10.0.0.3:1323",
      Architecture: "arm64",
      Healthy: false,
      Problem: "it does not accept connections",
      InFlight: 2,
      AvailableMemory: null,
      FreeCPU: null,
      AgeS: null,
    },
  ],
};

Deno.test("readableBalancer: shows the nodes and their problems", () => {
  const text = readableBalancer(status, { colour: false });
  assert.match(text, /lb-1 of CLOUD/);
  assert.match(text, /a +http:\/\/10\.0\.0\.3:1323 +arm64 +2 +\? +it does not accept connections/);
  assert.match(readableBalancer({ ...status, Targets: [] }, { colour: false }), /no node/);
});

Deno.test("isBalancerStatus: distinguishes a balancer's status from a node's", () => {
  assert.ok(isBalancerStatus(status));
  assert.ok(!isBalancerStatus({ Node: "n1" }));
  assert.ok(!isBalancerStatus(null));
});

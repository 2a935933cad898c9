import assert from "node:assert/strict";
import type { FunctionRecord } from "../../../model/function.ts";
import {
  customOptions,
  executorOptions,
  fenceOptions,
  functionLabels,
  pauseOptions,
  relayOptions,
} from "./options.ts";

const fn: FunctionRecord = {
  name: "f",
  runtime: "python",
  memoryMib: 128,
  cpu: 0,
  maxConcurrency: 1,
  handler: "m.f",
  customImage: "",
  architectures: [],
  signature: null,
  timeoutMs: 0,
  env: { A: "b=c" },
  network: "none",
  locality: "any",
  invokes: [],
  secrets: [],
  minInstances: 0,
  codeHash: "",
  version: "1",
};
const limits = { nodeId: "n1", pids: 99, tmpMib: 32, readOnlyRoot: false };

function executor(change: Partial<FunctionRecord> = {}) {
  const whose = { ...fn, ...change };
  return executorOptions(limits, {
    share: whose,
    labels: functionLabels(whose),
    image: "img",
    command: ["python3", "x.py"],
    env: { A: "b=c" },
    folders: { "/app": "/host/code" },
    network: "none",
  });
}

Deno.test("executorOptions: lock the container down", () => {
  const { HostConfig: host, ...options } = executor();
  assert.equal(options.User, "65534:65534");
  assert.deepEqual(options.Entrypoint, ["python3"]);
  assert.deepEqual(options.Cmd, ["x.py"]);
  assert.deepEqual(options.Env, ["A=b=c"]);
  assert.deepEqual(options.Labels, { "serverledge.node": "n1", "serverledge.function": "f" });
  assert.equal(host!.ReadonlyRootfs, true);
  assert.deepEqual(host!.CapDrop, ["ALL"]);
  assert.deepEqual(host!.SecurityOpt, ["no-new-privileges"]);
  assert.equal(host!.PidsLimit, 99);
  assert.equal(host!.Mounts![0]!.ReadOnly, true);
  assert.match(host!.Tmpfs!["/tmp"]!, /nosuid.*size=32m/);
});

Deno.test("executorOptions: limit memory without swap, at least to the engine's minimum", () => {
  assert.equal(executor().HostConfig!.Memory, 128 * 1024 * 1024);
  assert.equal(executor().HostConfig!.MemorySwap, 128 * 1024 * 1024);
  assert.equal(executor({ memoryMib: 1 }).HostConfig!.Memory, 6 * 1024 * 1024);
});

Deno.test("executorOptions: limit CPU only if the function has a CPU limit", () => {
  assert.equal(executor().HostConfig!.CpuQuota, undefined);
  const { CpuPeriod, CpuQuota } = executor({ cpu: 0.5 }).HostConfig!;
  assert.deepEqual([CpuPeriod, CpuQuota], [50_000, 25_000]);
  assert.equal(executor({ cpu: 0.001 }).HostConfig!.CpuQuota, 1_000);
});

Deno.test("customOptions: keep user, command and root of the image, but drop privileges", () => {
  const { HostConfig: host, ...options } = customOptions(fn, "img", limits, "container:relay");
  assert.equal(options.User, undefined);
  assert.equal(options.Cmd, undefined);
  assert.equal(host!.ReadonlyRootfs, undefined);
  assert.deepEqual(host!.CapDrop, ["ALL"]);
  assert.equal(host!.NetworkMode, "container:relay");
  assert.equal(host!.PortBindings, undefined);
});

Deno.test("pauseOptions: have no network and no function label", () => {
  const options = pauseOptions("img", "/pause", "n1");
  assert.equal(options.HostConfig!.NetworkMode, "none");
  assert.deepEqual(options.Labels, { "serverledge.node": "n1" });
});

Deno.test("pauseOptions, relayOptions: an engine that stops need not wait for programs without handlers", () => {
  assert.equal(pauseOptions("img", "/pause", "n1").StopSignal, "SIGKILL");
  assert.equal(relayOptions("n1", "/folder", "none").StopSignal, "SIGKILL");
});

Deno.test("fenceOptions: an engine that stops kills the fence, whose table then stays", () => {
  assert.equal(fenceOptions("n1", "/folder", "table").StopSignal, "SIGKILL");
});

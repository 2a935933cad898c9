/**
 * Outbound network and its fence on the real engine and kernel. What functions reach is tested on the
 * compiled program.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { Engine } from "../../../lib/runtime/docker/engine/engine.ts";
import { ExecutorMounts } from "../../../lib/runtime/docker/executor_mounts.ts";
import { removal, type ServicePort } from "../../../lib/runtime/docker/fence/table.ts";
import { OutboundNetwork } from "../../../lib/runtime/docker/outbound_network.ts";
import { nodeContainers, pythonImage } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import {
  changeFirewall,
  firewallTables,
  ownTable,
  translateAddress,
} from "../../support/network/nftables.ts";
import { runToEnd } from "../../support/process.ts";
import { tempDir } from "../../support/temp_dir.ts";

/** Address for measurements (RFC 2544), which no machine has. */
const translated = "198.18.77.1";

interface World extends AsyncDisposable {
  readonly nodeId: string;
  readonly network: OutboundNetwork;
  /** Name of the network. */
  readonly name: string;
  /** Returns address and interface of the network on this machine, and the name of its table. */
  onMachine(): Promise<{ gateway: string; device: string; table: string }>;
  /** Tells whether a container on the network can connect. */
  reaches(host: string, port: number): Promise<boolean>;
}

async function open(options: {
  ports?: readonly ServicePort[];
  resolvers?: (world: Pick<World, "onMachine">) => Promise<string[]>;
} = {}): Promise<World> {
  const nodeId = `test-${randomId(8)}`;
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("fence"));
  const engine = stack.use(new Engine());
  const name = `serverledge-${nodeId}-outbound`;
  const onMachine = async () => {
    const [found] = JSON.parse(await docker("network", "inspect", name));
    const device = found.Options["com.docker.network.bridge.name"] as string;
    const gateway = found.IPAM.Config[0].Gateway as string;
    return { gateway, device, table: `serverledge-${device}` };
  };
  const { ports = [], resolvers } = options;
  const network = stack.use(
    new OutboundNetwork({
      engine,
      nodeId,
      mounts: await ExecutorMounts.install(path),
      fenced: true,
      ports,
      resolvers: resolvers && (() => resolvers({ onMachine })),
    }),
  );
  const owned = stack.move();
  return {
    nodeId,
    network,
    name,
    onMachine,
    reaches: (host, port) => connects(name, host, port),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function connects(network: string, host: string, port: number): Promise<boolean> {
  const code = `import socket; socket.create_connection(("${host}", ${port}), timeout=1)`;
  const python = ["--entrypoint", "python3", pythonImage, "-c", code];
  return (await runToEnd(["docker", "run", "--rm", "--network", network, ...python])).code === 0;
}

async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(["docker", ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

Deno.test("OutboundNetwork: its fence is put up again when another program removes it", async () => {
  await using world = await open();
  await world.network.ensure();
  const { gateway, table } = await world.onMachine();
  using listener = Deno.listen({ hostname: gateway, port: 0 });
  await changeFirewall(removal(table));
  await eventually("the table is back", async () => (await firewallTables()).includes(table));
  assert.equal(await world.reaches(gateway, (listener.addr as Deno.NetAddr).port), false);
});

Deno.test("OutboundNetwork: a container that watches the fence is replaced when it ends", async () => {
  await using world = await open();
  await world.network.ensure();
  const { table } = await world.onMachine();
  const [first] = await nodeContainers(world.nodeId);
  await docker("kill", first!);
  assert.ok((await firewallTables()).includes(table), "nothing is open meanwhile");
  await eventually("another container runs", async () => {
    const names = await nodeContainers(world.nodeId);
    return names.length === 1 && names[0] !== first;
  });
  await changeFirewall(removal(table));
  await eventually("the table is back", async () => (await firewallTables()).includes(table));
});

Deno.test("OutboundNetwork: containers reach name servers and permitted ports of this machine", async () => {
  using listeners = new DisposableStack();
  const ports: ServicePort[] = [];
  await using world = await open({
    ports,
    // A name server of this machine, at the only address whose port 53 is free for sure.
    resolvers: async ({ onMachine }) => {
      const { gateway: hostname } = await onMachine();
      listeners.use(Deno.listen({ hostname, port: 53 }));
      const service = listeners.use(Deno.listen({ hostname, port: 0 }));
      ports.push({ protocol: "tcp", port: (service.addr as Deno.NetAddr).port });
      return [hostname];
    },
  });
  await world.network.ensure();
  const { gateway } = await world.onMachine();
  const other = listeners.use(Deno.listen({ hostname: gateway, port: 0 }));
  assert.equal(await world.reaches(gateway, 53), true);
  assert.equal(await world.reaches(gateway, ports[0]!.port), true);
  assert.equal(await world.reaches(gateway, (other.addr as Deno.NetAddr).port), false);
});

Deno.test("OutboundNetwork: refuses containers while the kernel refuses the fence", async () => {
  await using world = await open();
  await world.network.ensure();
  const { table } = await world.onMachine();
  await world.network[Symbol.asyncDispose]();
  assert.ok(!(await firewallTables()).includes(table));
  {
    await using _owned = await ownTable(table);
    await assert.rejects(world.network.ensure(), {
      code: "INSTANCE_START_FAILED",
      message: /^Cannot protect this machine .* set container\.fence to none .*/,
    });
    assert.deepEqual(await nodeContainers(world.nodeId), []);
  }
  assert.equal(await world.network.ensure(), world.name);
  assert.ok((await firewallTables()).includes(table));
});

Deno.test("OutboundNetwork: replaces a network of an earlier version", async () => {
  await using world = await open();
  await docker("network", "create", world.name);
  await world.network.ensure();
  assert.match((await world.onMachine()).device, /^slf[0-9a-f]{12}$/);
});

Deno.test("OutboundNetwork: keeps its one fence when the engine has reported something missing", async () => {
  await using world = await open();
  await world.network.ensure();
  const before = await nodeContainers(world.nodeId);
  world.network.forget();
  await world.network.ensure();
  assert.deepEqual(await nodeContainers(world.nodeId), before);
});

Deno.test("OutboundNetwork: an address that is translated to this machine is not reached", async () => {
  await using world = await open();
  await world.network.ensure();
  const { gateway } = await world.onMachine();
  using listener = Deno.listen({ hostname: gateway, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  await using _translation = await translateAddress(translated, gateway);
  const unfenced = `${world.name}-open`;
  await docker("network", "create", unfenced);
  try {
    assert.equal(await connects(unfenced, translated, port), true);
  } finally {
    await docker("network", "rm", unfenced);
  }
  assert.equal(await world.reaches(translated, port), false);
});

Deno.test("OutboundNetwork: stays with its fence while a container is on it", async () => {
  await using world = await open();
  await world.network.ensure();
  const { table } = await world.onMachine();
  const sleep = ["--entrypoint", "sleep", pythonImage, "60"];
  const id = (await docker("run", "--detach", "--rm", "--network", world.name, ...sleep)).trim();
  try {
    await world.network[Symbol.asyncDispose]();
    assert.ok((await firewallTables()).includes(table));
    assert.deepEqual(await nodeContainers(world.nodeId), []);
  } finally {
    await docker("rm", "--force", id);
  }
  await world.network.sweep();
  assert.ok(!(await firewallTables()).includes(table));
  assert.equal(await docker("network", "ls", "--quiet", "--filter", `name=${world.name}`), "");
});

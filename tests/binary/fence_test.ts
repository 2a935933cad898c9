/**
 * What functions with a network reach: other machines, but not their own, whatever their runtime.
 *
 * @module
 */

import assert from "node:assert/strict";
import { post } from "../support/client.ts";
import { buildCustomImage, customImage, nodeContainers, pythonImage } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import {
  reachFunction,
  type ReachParams,
  type ReachRuntime,
  type Target,
} from "../support/functions/reach_functions.ts";
import { freePort } from "../support/network/free_port.ts";
import { firewallTables } from "../support/network/nftables.ts";
import { otherMachine } from "../support/network/other_machine.ts";
import { type NodeProcess, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

const containers = ["python", "nodejs", "binary", "custom"] as const;
const runtimes = [...containers, "deno"] as const;

Deno.test("functions with a network reach other machines, but not their own", async (t) => {
  await buildCustomImage();
  await using other = await otherMachine();
  await using container = await publishedContainer();
  using services = openServices();
  await using node = await startNode({ "api.listen": "0.0.0.0", "api.auth": "none" });
  await create(node, runtimes);
  const { gateway } = await networkOf(node.id);
  using onGateway = Deno.listen({ hostname: gateway, port: 0 });
  const here: Target[] = [
    ...[...ownAddresses(), gateway].flatMap((host) => {
      const ports = host.includes(":") ? [] : [node.port, container.port];
      return [services.port, ...ports].map((port): Target => [host, port]);
    }),
    [gateway, portOf(onGateway)],
    [container.address, 8080],
  ];
  const ownInstances = await instanceAddresses(node.id);
  for (const [host, port] of here) (await Deno.connect({ hostname: host, port })).close();
  const targets: Target[] = [...here, [other.linkLocal, other.port], [other.address, other.port]];
  const udp = datagramTargets(gateway, services.udpPort);
  for (const runtime of runtimes) {
    await t.step(runtime, async () => {
      // A function may reach itself.
      const others = runtime === "custom" ? [] : ownInstances.map((host): Target => [host, 8080]);
      const outcomes = await reach(node, runtime, { tcp: [...others, ...targets], udp });
      assert.equal(outcomes.pop(), "connected", "another machine");
      for (const [at, outcome] of outcomes.entries()) {
        assert.notEqual(outcome, "connected", String([...others, ...targets][at]));
      }
      assert.equal(services.datagrams(), 0);
    });
  }
  await t.step("no function reaches the host beyond its network", async () => {
    const tcp: Target[] = [["hypervisor", 2]];
    for (const runtime of ["python", "binary", "custom"]) {
      assert.deepEqual(await reach(node, runtime, { tcp, udp: [] }), ["PermissionError"], runtime);
    }
  });
  for (const runtime of containers) {
    await t.step(`${runtime} without a network reaches nothing`, async () => {
      await create(node, [runtime], "none");
      const outcomes = await reach(node, `${runtime}-none`, { tcp: targets, udp });
      assert.ok(!outcomes.includes("connected"));
      assert.equal(services.datagrams(), 0);
    });
  }
});

Deno.test("container.fence none and container.reach let functions reach the machine", async () => {
  using services = openServices();
  const machines = ownAddresses().filter((host) => /^\d/.test(host) && !host.startsWith("127."));
  for (
    const { config, open } of [
      { config: { "container.fence": "none" }, open: [services.port, services.otherPort] },
      { config: { "container.reach": `tcp/${services.port}` }, open: [services.port] },
    ]
  ) {
    await using node = await startNode(config);
    await create(node, ["python"]);
    const { gateway } = await networkOf(node.id);
    const targets = [...machines, gateway].flatMap((host) =>
      [services.port, services.otherPort].map((port): Target => [host, port])
    );
    const udp = datagramTargets(gateway, services.udpPort);
    const outcomes = await reach(node, "python", { tcp: targets, udp });
    const reached = targets.filter((_, at) => outcomes[at] === "connected");
    assert.deepEqual(reached, targets.filter(([, port]) => open.includes(port)));
    assert.equal(services.datagrams() > 0, config["container.fence"] === "none");
    services.forget();
  }
});

Deno.test("the fence outlives a killed node, and the next start of the node removes it", async () => {
  await using data = await tempDir("fence");
  const id = `fence-${crypto.randomUUID().slice(0, 8)}`;
  const config = { "registry.node.id": id, "data.dir": data.path };
  const killed = await startNode(config);
  await create(killed, ["python"]);
  const { table } = await networkOf(id);
  await killed.kill();
  assert.ok((await firewallTables()).includes(table));
  await killed[Symbol.asyncDispose]();

  await using node = await startNode(config);
  await eventually("the network is gone", async () => !await hasNetwork(id));
  assert.ok(!(await firewallTables()).includes(table));
  await reach(node, "python", { tcp: [], udp: [] });
  assert.ok((await firewallTables()).includes(table));
  assert.equal(await node.stop(), 0, node.log());
  assert.ok(!(await firewallTables()).includes(table));
  assert.deepEqual([await hasNetwork(id), await nodeContainers(id)], [false, []]);
});

interface FenceNode extends NodeProcess {
  readonly id: string;
  readonly port: number;
}

async function startNode(config: Readonly<Record<string, unknown>>): Promise<FenceNode> {
  const port = freePort();
  const id = `fence-${crypto.randomUUID().slice(0, 8)}`;
  const all: Record<string, unknown> = { "registry.node.id": id, "api.port": port, ...config };
  // The program of the test is in Python.
  const env = { SERVERLEDGE_RUNTIMES_BINARY_IMAGE: pythonImage };
  const node = await startNodeProcess({ config: all, env });
  return Object.assign(node, { id: String(all["registry.node.id"]), port });
}

/** Creates functions and starts an instance of each. */
async function create(
  node: NodeProcess,
  kinds: readonly ReachRuntime[],
  network: "bridge" | "none" = "bridge",
): Promise<void> {
  for (const runtime of kinds) {
    const name = network === "none" ? `${runtime}-none` : runtime;
    const created = await post(`${node.url}/create`, await reachFunction(runtime, network, name));
    assert.equal(created.status, 200, JSON.stringify(created.body));
    await reach(node, name, { tcp: [], udp: [] });
  }
}

async function reach(node: NodeProcess, name: string, Params: ReachParams): Promise<string[]> {
  const { status, body } = await post(`${node.url}/invoke/${name}`, { Params });
  assert.equal(status, 200, JSON.stringify(body));
  return JSON.parse(body.Result);
}

/** Services of this machine at every address: two of TCP, and one of UDP that counts. */
function openServices() {
  const tcp = [0, 0].map((port) => Deno.listen({ hostname: "::", port }));
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  let count = 0;
  const counted = (async () => {
    for await (const _ of udp) count++;
  })();
  return {
    port: portOf(tcp[0]!),
    otherPort: portOf(tcp[1]!),
    udpPort: (udp.addr as Deno.NetAddr).port,
    datagrams: () => count,
    forget: () => void (count = 0),
    [Symbol.dispose]() {
      for (const one of [...tcp, udp]) one.close();
      void counted;
    },
  };
}

function datagramTargets(gateway: string, port: number): Target[] {
  const broadcast = gateway.replace(/\d+\.\d+$/, "255.255");
  return [...ownAddresses(), broadcast, "255.255.255.255"].map((host) => [host, port]);
}

/** Addresses of this machine's interfaces, without those that are valid only on a link. */
function ownAddresses(): string[] {
  // Networks of other tests, which run at the same time, come and go.
  const addresses = Deno.networkInterfaces()
    .filter(({ name }) => !/^(br-|engine-|slf|veth)/.test(name))
    .map(({ address }) => address);
  return addresses.filter((one) => !one.startsWith("fe80:"));
}

function portOf(listener: Deno.Listener): number {
  return (listener.addr as Deno.NetAddr).port;
}

/** Another container of this machine, with a published port, on the engine's default network. */
async function publishedContainer() {
  const id = await docker("run", "--rm", "--detach", "--publish", "8080", customImage);
  const [found] = JSON.parse(await docker("inspect", id));
  const { IPAddress: address, Ports } = found.NetworkSettings;
  await eventually("the container serves", async () => {
    try {
      (await Deno.connect({ hostname: address, port: 8080 })).close();
      return true;
    } catch {
      return false;
    }
  });
  return {
    address: address as string,
    port: Number(Ports["8080/tcp"][0].HostPort),
    [Symbol.asyncDispose]: async () => void await docker("rm", "--force", id),
  };
}

async function networkOf(nodeId: string): Promise<{ gateway: string; table: string }> {
  const [network] = JSON.parse(
    await docker("network", "inspect", `serverledge-${nodeId}-outbound`),
  );
  const device = network.Options["com.docker.network.bridge.name"];
  return { gateway: network.IPAM.Config[0].Gateway, table: `serverledge-${device}` };
}

async function instanceAddresses(nodeId: string): Promise<string[]> {
  const [network] = JSON.parse(
    await docker("network", "inspect", `serverledge-${nodeId}-outbound`),
  );
  const containers = Object.values(network.Containers) as { IPv4Address: string }[];
  return containers.map(({ IPv4Address }) => IPv4Address.split("/")[0]!);
}

async function hasNetwork(nodeId: string): Promise<boolean> {
  return (await docker("network", "ls", "--format", "{{.Name}}")).includes(nodeId);
}

async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(["docker", ...args]);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

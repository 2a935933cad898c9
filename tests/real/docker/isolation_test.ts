import assert from "node:assert/strict";
import { value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";

const never = new AbortController().signal;

/** What the function `locks` sees. */
interface Locks {
  uid: number;
  gid: number;
  status: Record<string, string>;
  interfaces: string[];
  writable: string[];
}

Deno.test("containers are locked down", async (t) => {
  await using world = await dockerWorld({ values: { "container.pids": 40 } });
  const start = (handler: string, change = {}) =>
    world.environment.start(dockerFunction("python", handler, change), never);

  for (const network of ["none", "bridge"]) {
    await t.step(`a function sees and may do little: ${network}`, async () => {
      await using instance = await start("cases.locks", { network });
      const locks = value(await instance.invoke(dockerCall())) as Locks;
      assert.deepEqual([locks.uid, locks.gid], [65534, 65534]);
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
        assert.match(locks.status[set]!, /^0+$/, set);
      }
      assert.equal(locks.status.NoNewPrivs, "1");
      assert.equal(locks.status.Seccomp, "2");
      assert.deepEqual(locks.writable, ["/tmp"]);
      const expected = network === "none" ? ["lo"] : ["eth0", "lo"];
      assert.deepEqual(locks.interfaces.filter((name) => /^(lo|eth)/.test(name)).sort(), expected);
    });
  }

  await t.step("it can make only harmless system calls", async () => {
    await using instance = await start("cases.system_calls");
    const { clone3, ...refused } = value(await instance.invoke(dockerCall())) as Record<
      string,
      number
    >;
    assert.equal(clone3, 38, "ENOSYS, after which clone is tried");
    for (const [name, errno] of Object.entries(refused)) assert.equal(errno, 1, `${name}: EPERM`);
    assert.deepEqual(Object.keys(refused).sort(), [
      ...["alg", "bluetooth", "bpf", "io_uring_setup", "keyctl", "packet", "perf_event_open"],
      ...["unshare", "userfaultfd", "vsock"],
    ]);
  });

  await t.step("Node.js starts threads below the same filter", async () => {
    const fn = dockerFunction("nodejs", "cases.threads");
    await using instance = await world.environment.start(fn, never);
    assert.equal(value(await instance.invoke(dockerCall())), 1);
  });

  for (const runtime of ["python", "nodejs"]) {
    await t.step(`its user has a name: ${runtime}`, async () => {
      const fn = dockerFunction(runtime, "cases.user");
      await using instance = await world.environment.start(fn, never);
      assert.deepEqual(value(await instance.invoke(dockerCall())), ["nobody", "nobody"]);
    });
  }

  await t.step(
    "it can connect to the node no second time, and others start next to it",
    async () => {
      await using instance = await start("cases.flood");
      const flood = await instance.invoke(dockerCall({ params: { count: 300 } }));
      assert.equal(value(flood), 0);
      await using other = await start("cases.echo");
      assert.equal(value(await other.invoke(dockerCall())), null);
    },
  );

  await t.step("a function cannot reach the socket of another", async () => {
    await using instance = await start("cases.sockets");
    await using _other = await start("cases.echo");
    const found = value(await instance.invoke(dockerCall())) as string[];
    assert.deepEqual(found, ["executor.py", "init"]);
  });

  await t.step("a function can start a limited number of processes", async () => {
    await using instance = await start("cases.fork_bomb");
    const made = value(await instance.invoke(dockerCall())) as number;
    assert.ok(made > 10 && made < 40, `${made} processes`);
  });

  await t.step("memory is limited without swap, CPU as configured", async () => {
    await using instance = await start("cases.echo", { memoryMib: 64, cpu: 0.5 });
    const { HostConfig } = await world.docker.getContainer(instance.id).inspect();
    assert.deepEqual([HostConfig.Memory, HostConfig.MemorySwap], [64 << 20, 64 << 20]);
    assert.deepEqual([HostConfig.CpuPeriod, HostConfig.CpuQuota], [50_000, 25_000]);
    const { Labels } = (await world.docker.getContainer(instance.id).inspect()).Config;
    assert.equal(Labels["serverledge.node"], world.nodeId);
    assert.match(Labels["serverledge.function"]!, /^f-/);
  });

  await t.step("only instances of one function share a loopback", async () => {
    await world.environment.settled();
    const fn = dockerFunction("python", "cases.listen");
    await using server = await world.environment.start(fn, never);
    await using sibling = await world.environment.start(fn, never);
    await world.environment.settled();
    await using stranger = await start("cases.listen");
    const listening = await server.invoke(dockerCall({ params: { port: 5000, serve: true } }));
    assert.equal(value(listening), "listening");
    const connect = dockerCall({ params: { port: 5000, serve: false } });
    assert.equal(value(await sibling.invoke(connect)), "connected");
    assert.equal(value(await stranger.invoke(connect)), "ConnectionRefusedError");
  });
});

import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import { engineStatus } from "../../../lib/runtime/docker/engine/engine.ts";
import { crashed, failure, value } from "../../contract/environment.ts";
import {
  buildCustomImage,
  customImage,
  dockerCall,
  dockerFunction,
  type DockerWorld,
  dockerWorld,
} from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";

/** The address of an instance with a network, which its relay has. */
async function addressOf({ docker }: DockerWorld, name: string): Promise<string> {
  const { HostConfig } = await docker.getContainer(name).inspect();
  const relay = docker.getContainer(HostConfig.NetworkMode!.replace("container:", ""));
  const { IPAddress } = Object.values((await relay.inspect()).NetworkSettings.Networks)[0]!;
  assert.match(IPAddress, /^\d/);
  return IPAddress;
}

const never = new AbortController().signal;

Deno.test("custom images", async (t) => {
  await buildCustomImage();
  const body = new TextEncoder().encode("hello");
  const header = { name: "data/hello.txt", size: body.length, type: "file" as const };
  await using world = await dockerWorld({ archive: await packTar([{ header, body }]) });
  const start = (behaviour: string, change = {}) =>
    world.environment.start(
      dockerFunction("custom", "", { env: { CASE: behaviour }, ...change }),
      never,
    );

  for (const network of ["none", "bridge"]) {
    await t.step(`custom images are reached, and publish no port: ${network}`, async () => {
      await using instance = await start("echo", { network });
      assert.deepEqual(value(await instance.invoke(dockerCall({ params: { a: 1 } }))), { a: 1 });
      for (const name of await world.containers()) {
        const { Ports } =
          (await ifThere(world.docker.getContainer(name).inspect()))?.NetworkSettings ?? {};
        assert.deepEqual(Object.values(Ports ?? {}).filter(Boolean), [], name);
      }
    });
  }

  for (const network of ["none", "bridge"]) {
    await t.step(
      `an image that is slow to listen gets its first call once: ${network}`,
      async () => {
        await using instance = await start("late", { network });
        await instance.invoke(dockerCall());
        const calls = async () =>
          (await instance.logs(10)).filter(({ text }) => text.includes("POST /invoke")).length;
        await eventually("the engine has its log", async () => await calls() > 0);
        assert.equal(await calls(), 1);
      },
    );
  }

  await t.step("a chunked response on a kept-alive connection is read", async () => {
    await using instance = await start("keep");
    assert.equal(value(await instance.invoke(dockerCall())), "kept");
  });

  await t.step("a response without Result and Output is a success", async () => {
    await using instance = await start("nothing");
    assert.deepEqual(await instance.invoke(dockerCall({ returnOutput: true })), {
      ok: true,
      result: "",
      output: "",
    });
  });

  await t.step("another status is the function's failure", async () => {
    await using instance = await start("status");
    const reply = await instance.invoke(dockerCall());
    assert.equal(failure(reply).type, "HttpStatus");
    assert.equal(reply.output, "said status");
  });

  await t.step("a response that violates the protocol is the function's failure", async () => {
    await using instance = await start("garbage");
    for (const number of [1, 2]) {
      const reply = await instance.invoke(dockerCall());
      assert.equal(failure(reply).type, "BadReply");
      assert.deepEqual(reply.output.match(/call \d/g), [`call ${number}`], reply.output);
    }
  });

  for (const behaviour of ["drop", "cut"]) {
    await t.step(
      `a connection closed early is reported, and the request sent once: ${behaviour}`,
      async () => {
        await using instance = await start(behaviour);
        const error = await crashed(instance.invoke(dockerCall()));
        assert.match(error.message, /without a response, and is still running/);
        assert.match(error.details!.output as string, /^call 1\n/);
      },
    );
  }

  await t.step("code is copied to /app if there is any", async () => {
    await using bare = await start("files");
    assert.equal(value(await bare.invoke(dockerCall())), null);
    await using filled = await start("files", { codeHash: "archive" });
    assert.deepEqual(value(await filled.invoke(dockerCall())), ["data"]);
  });

  await t.step("an image whose relay ends is reported, and leaves nothing", async () => {
    await using instance = await start("echo");
    const { HostConfig } = await world.docker.getContainer(instance.id).inspect();
    await world.docker.getContainer(HostConfig.NetworkMode!.replace("container:", "")).kill();
    await crashed(instance.invoke(dockerCall()));
  });

  await t.step("an image that ends at its start fails it with its output", async () => {
    await assert.rejects(start("failing"), (error: Error & Record<string, unknown>) => {
      assert.equal(error.code, "INSTANCE_START_FAILED");
      assert.match(error.message, /status 7/);
      assert.match((error.details as { output: string }).output, /starting failing/);
      return true;
    });
  });

  await t.step("functions with a network cannot reach each other", async () => {
    await using target = await start("echo", { network: "bridge" });
    await using source = await start("outside", { network: "bridge" });
    const host = await addressOf(world, target.id);
    const reached = value(await source.invoke(dockerCall({ params: { host } })));
    assert.notEqual(reached, "connected");
  });

  await t.step("functions without a network reach nothing of this machine", async () => {
    await using instance = await start("outside");
    using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    const port = (listener.addr as Deno.NetAddr).port;
    const own = Deno.networkInterfaces().filter(({ family }) => family === "IPv4");
    assert.ok(own.some(({ name }) => name.startsWith("docker") || name.startsWith("br-")));
    for (const { address: host } of own) {
      const reached = value(await instance.invoke(dockerCall({ params: { host, port } })));
      assert.notEqual(reached, "connected", host);
    }
    await using lister = await start("interfaces");
    const interfaces = value(await lister.invoke(dockerCall())) as string[];
    assert.deepEqual(interfaces.filter((name) => /^(lo|eth)/.test(name)), ["lo"]);
  });

  await t.step("functions have no capability and cannot gain any", async () => {
    await using instance = await start("echo");
    const { HostConfig } = await world.docker.getContainer(instance.id).inspect();
    assert.deepEqual(HostConfig.CapDrop, ["ALL"]);
    const [privileges, filter, ...others] = HostConfig.SecurityOpt!;
    assert.deepEqual([privileges, others], ["no-new-privileges", []]);
    assert.match(filter!, /^seccomp=\{/);
  });

  await t.step("the architecture of the image is known", async () => {
    const fn = dockerFunction("custom", "", { customImage });
    const { Architecture } = await world.docker.getImage(customImage).inspect();
    assert.deepEqual(await world.environment.architectures(fn), [Architecture]);
  });
});

/** What the engine says of a container; undefined if it was removed since it was listed. */
async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (engineStatus(error) === 404) return undefined;
    throw error;
  }
}

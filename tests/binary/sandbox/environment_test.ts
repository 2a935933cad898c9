import assert from "node:assert/strict";
import type { FunctionRecord } from "../../../lib/model/function.ts";
import { residentBytes } from "../../../lib/runtime/sandbox/limits/proc.ts";
import { systemClock } from "../../../lib/base/clock.ts";
import { resolveConfig } from "../../../lib/config/config.ts";
import { GenericInstances } from "../../../lib/pool/generic_instances.ts";
import { ResourceLedger } from "../../../lib/pool/resource_ledger.ts";
import type { Instance } from "../../../lib/runtime/environment.ts";
import { Environments } from "../../../lib/runtime/environments.ts";
import { environmentContract, failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeEnvironment } from "../../support/fakes/fake_environment.ts";
import {
  type SandboxWorld,
  sandboxWorld,
  type SandboxWorldOptions,
} from "../../support/sandbox_world.ts";

const never = new AbortController().signal;

async function caseFiles(): Promise<Record<string, Uint8Array>> {
  const folder = new URL("../../images/sandbox/", import.meta.url);
  const names = ["cases.ts", "pause.ts"];
  const files = names.map(async (name) => [name, await Deno.readFile(new URL(name, folder))]);
  return Object.fromEntries(await Promise.all(files));
}

async function open(options?: SandboxWorldOptions) {
  return await sandboxWorld(await caseFiles(), options);
}

function record(behaviour: string, change: Partial<FunctionRecord> = {}): FunctionRecord {
  return dockerFunction("deno", `cases.${behaviour}`, change);
}

environmentContract({
  runtime: "deno",
  record,
  call: dockerCall,
  errorType: "TypeError",
  concurrent: true,
  interrupts: true,
}, () => open());

Deno.test("without control groups, a sandbox is monitored and ended when it exceeds its memory", async () => {
  await using world = await open({ controlGroups: false });
  assert.equal(world.environment.boundByKernel, false);
  await using instance = await world.environment.start(record("greedy", { memoryMib: 64 }), never);
  const outcome = await instance.invoke(dockerCall()).catch((error) => error);
  assert.equal(outcome.code, "FUNCTION_CRASHED");
  assert.deepEqual(outcome.details.oomKilled, true);
  assert.match(outcome.message, /more than its 64 MiB/);
});

/** Opens generic sandboxes of a world. */
function openGenerics(world: SandboxWorld, count: number): GenericInstances {
  const { config } = resolveConfig([{ origin: "test", values: { "sandbox.generic": count } }]);
  const environment = new Environments({
    config,
    containers: new FakeEnvironment(),
    openSandboxes: () => Promise.resolve(world.environment),
  });
  const ledger = new ResourceLedger({ memoryMib: 1024, cpu: 4 });
  return new GenericInstances({ environment, ledger, clock: systemClock });
}

Deno.test("generic sandboxes: specialized, serve one function and are replaced", async () => {
  await using world = await open();
  await using generics = openGenerics(world, 2);
  const fn = record("count");
  const specialize = (): Promise<Instance> => {
    const generic = generics.find(fn)!;
    generic.take();
    return generic.specialize(fn, never);
  };
  generics.changed(fn.name, fn);
  await generics.filled();
  assert.deepEqual(generics.counts, { sandbox: 2 });
  await using first = await specialize();
  await using second = await specialize();
  assert.deepEqual([first.tier, second.tier], ["generic", "generic"]);
  assert.equal(value(await first.invoke(dockerCall())), 1);
  assert.equal(value(await second.invoke(dockerCall())), 1);
  await generics.filled();
  assert.equal((await world.instances()).length, 4);
  const [ready] = (await world.instances()).filter((id) => id !== first.id && id !== second.id);
  Deno.kill(Number(ready!.replace("sandbox-", "")), "SIGKILL");
  await eventually("the killed one is not counted", () => generics.counts.sandbox! < 2);
});

Deno.test("generic sandbox: has died, function starts in a new one", async () => {
  await using world = await open();
  await using generics = openGenerics(world, 1);
  const fn = record("count");
  generics.changed(fn.name, fn);
  await generics.filled();
  const generic = generics.find(fn)!;
  generic.take();
  const [died] = await world.instances();
  Deno.kill(Number(died!.replace("sandbox-", "")), "SIGKILL");
  await using instance = await generic.specialize(fn, never);
  assert.equal(instance.tier, "fresh");
  assert.equal(value(await instance.invoke(dockerCall())), 1);
});

Deno.test("an idle sandbox releases memory", async () => {
  await using world = await sandboxWorld({
    "main.ts": `export default () => {
      const list = [];
      for (let n = 0; n < 1e6; n++) list.push({ n });
      return list.length;
    };`,
  });
  await using instance = await world.environment.start(dockerFunction("deno", "main.ts"), never);
  const resident = () => residentBytes(Number(instance.id.replace("sandbox-", "")))!;
  const before = resident();
  assert.equal(value(await instance.invoke(dockerCall())), 1e6);
  const grown = resident() - before;
  assert.ok(grown > 20 << 20, `it grew by ${grown} bytes only`);
  await eventually("most is given back", () => resident() - before < grown / 2);
  assert.equal(value(await instance.invoke(dockerCall())), 1e6);
});

Deno.test("the context has function, node, area and deadline", async () => {
  await using world = await open();
  const fn = record("facts", { env: { GREETING: "grüß dich" } });
  await using instance = await world.environment.start(fn, never);
  const reported = value(await instance.invoke(dockerCall({ id: "r1", timeoutMs: 5000 })));
  const { deadline, remaining, ...facts } = reported as { deadline: number; remaining: number };
  assert.ok(deadline > 0 && deadline <= 5000 && remaining > 0 && remaining <= 5000);
  assert.deepEqual(facts, {
    function: fn.name,
    request: "r1",
    memory: 128,
    area: "TEST",
    node: world.nodeId,
    env: "grüß dich",
    all: ["GREETING"],
  });
});

Deno.test("a function with a network fetches through its node, redirect by redirect", async (t) => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/echo") {
        return Response.json({
          method: request.method,
          body: await request.text(),
          header: request.headers.get("x-test"),
          host: request.headers.get("host"),
        });
      }
      const to: Record<string, string> = {
        "/hop": "/echo",
        "/home": "http://127.0.0.2:1/",
        "/loop": "/loop",
      };
      return new Response(null, { status: 303, headers: { location: to[pathname]! } });
    },
  );
  // The test's server stands for another machine.
  const forbids = (address: string) => address !== "127.0.0.1";
  await using world = await sandboxWorld({
    "main.ts": `export default async ({ url, init }: any) => {
      const answer = await fetch(url, init);
      return { status: answer.status, url: answer.url, redirected: answer.redirected, body: await answer.json() };
    };`,
  }, { forbids });
  const fn = dockerFunction("deno", "main.ts", { network: "bridge" });
  await using instance = await world.environment.start(fn, never);
  const base = `http://127.0.0.1:${server.addr.port}`;
  const fetched = async (path: string, init: RequestInit = {}) =>
    await instance.invoke(dockerCall({ params: { url: base + path, init: init as never } }));

  await t.step("with method, headers and body", async () => {
    const init = { method: "PUT", body: "größe", headers: { "x-test": "1" } };
    const { body, ...rest } = value(await fetched("/echo", init)) as Record<string, unknown>;
    assert.deepEqual(rest, { status: 200, url: `${base}/echo`, redirected: false });
    const host = base.slice("http://".length);
    assert.deepEqual(body, { method: "PUT", body: "größe", header: "1", host });
  });
  await t.step("redirects are followed", async () => {
    const { body, ...rest } = value(await fetched("/hop", { method: "POST", body: "x" })) as {
      body: { method: string };
    };
    assert.deepEqual(rest, { status: 200, url: `${base}/echo`, redirected: true });
    assert.equal(body.method, "GET");
  });
  await t.step("not to the machine itself, and only a few times", async () => {
    assert.match(failure(await fetched("/home")).message, /is this machine/);
    assert.match(failure(await fetched("/loop")).message, /too many redirects/);
  });
});

Deno.test("errors in code report its lines", async () => {
  await using world = await open();
  await using instance = await world.environment.start(record("fail"), never);
  const { traceback } = failure(await instance.invoke(dockerCall()));
  assert.ok(!traceback.includes("main-"), traceback);
  assert.match(traceback, /\/app\/cases\.ts:24:9/);
});

import assert from "node:assert/strict";
import Docker from "dockerode";
import { functionLabel, nodeLabel, runtimeLabel } from "../../lib/runtime/docker/names.ts";
import { code, get, nodejs, post, python } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/network/free_port.ts";
import { defaultBinary, startNodeProcess } from "../support/node.ts";
import { makeCertificate } from "../support/network/certificates.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Number of clients that send requests all the time. */
const clients = 8;

/** Starts a node whose data folder outlives it, and its successors. */
function starter(folder: string, more: Readonly<Record<string, unknown>> = {}) {
  const config = {
    "api.port": freePort(),
    "data.dir": `${folder}/data`,
    // Connections without a request keep the former process that long.
    "shutdown.grace": 5,
    ...more,
  };
  const start = (args: readonly string[] = []) => startNodeProcess({ config, args });
  return { config, start, successor: () => start(["--replace"]) };
}

async function denoFunction(name: string, body: string): Promise<object> {
  const source = `export default async (p: Record<string, number>) => { ${body} };`;
  return {
    Name: name,
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main.ts",
    TarFunctionCode: await code({ "main.ts": source }),
  };
}

/** Sends requests until it is stopped. @returns the number of requests, and the failures */
function load(url: string, names: readonly string[]) {
  let stopped = false;
  let sent = 0;
  const failures: string[] = [];
  const loops = Array.from({ length: clients }, async (_, n) => {
    while (!stopped) {
      const name = names[n % names.length];
      sent++;
      try {
        const { status, body } = await post(`${url}/invoke/${name}`, { Params: { n: 2 } });
        if (status !== 200 || body.Result !== "4") failures.push(JSON.stringify([status, body]));
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  const stop = async () => {
    stopped = true;
    await Promise.all(loops);
    return { sent, failures };
  };
  return {
    get sent() {
      return sent;
    },
    stop,
    [Symbol.asyncDispose]: async () => void await stop(),
  };
}

async function create(url: string, fn: object): Promise<void> {
  const { status, body } = await post(`${url}/create`, fn);
  assert.equal(status, 200, JSON.stringify(body));
}

Deno.test("handover: under load no request is lost, and nothing of the former process is left", async () => {
  await using folder = await tempDir("handover");
  const { start, successor } = starter(folder.path);
  await using first = await start();
  const { url } = first;
  await create(url, await denoFunction("d", "return p.n * 2"));
  await create(url, await python("p", "def f(params, context): return params['n'] * 2"));
  const slow = "await new Promise((done) => setTimeout(done, 2500)); return p.n * 2";
  await create(url, await denoFunction("slow", slow));
  await using running = load(url, ["d", "p"]);
  await eventually("requests are running", () => Promise.resolve(running.sent > 200));
  const long = post(`${url}/invoke/slow`, { Params: { n: 2 } });
  const accepted = await post(`${url}/invoke/slow`, { Params: { n: 3 }, Async: true });
  assert.equal(accepted.status, 200, JSON.stringify(accepted.body));

  await using second = await successor();
  assert.equal(await first.exit, 0, first.log());
  const before = running.sent;
  await eventually("requests go on", () => Promise.resolve(running.sent > before + 200));
  const { sent, failures } = await running.stop();
  assert.deepEqual(failures, [], `of ${sent}`);
  assert.equal((await long).body.Result, "4");

  const polled = await get(`${url}/poll/${accepted.body.ReqId}`);
  assert.equal(polled.body.Result, "6", JSON.stringify(polled.body));
  const status = (await get(`${url}/status`)).body;
  assert.ok(status.UptimeS < 60 && status.Functions === 3, JSON.stringify(status));
  await eventually("only containers of the second process are left", async () => {
    const { Instances } = (await get(`${url}/status`)).body;
    const pooled = Instances.find(({ Function: name }: { Function: string }) => name === "p");
    const { GenericInstances: { python } } = (await get(`${url}/status`)).body;
    return await instancesOf(status.Node) === pooled.Idle + python;
  });
  assert.equal(await second.stop(), 0, second.log());
  // The folder is free again.
  await using third = await start();
  assert.equal((await get(`${third.url}/healthz`)).status, 200);
});

Deno.test("handover: clients of TLS and HTTP/2 notice nothing", async () => {
  await using folder = await tempDir("handover");
  const certificate = await makeCertificate(folder.path, "node");
  const { cert, key } = certificate;
  const { start, successor } = starter(folder.path, { "api.tls.cert": cert, "api.tls.key": key });
  await using first = await start();
  let stopped = false;
  const statuses: string[] = [];
  /** Sends requests over one connection as long as the server keeps it, then over another. */
  const client = async (version: string) => {
    while (!stopped) {
      const { stdout, stderr } = await runToEnd([
        ...["curl", "--silent", "--show-error", version, "--cacert", cert],
        ...["--output", "/dev/null", "--write-out", "%{http_code} %{http_version}\n"],
        `${first.url}/healthz?[1-200]`,
      ]);
      statuses.push(...stdout.trimEnd().split("\n"), ...stderr.split("\n").filter(Boolean));
    }
  };
  const running = Promise.all(["--http1.1", "--http2", "--http2"].map(client));
  try {
    await eventually("requests are running", () => Promise.resolve(statuses.length > 600));
    await using second = await successor();
    assert.equal(await first.exit, 0, first.log());
    const before = statuses.length;
    await eventually("requests go on", () => Promise.resolve(statuses.length > before + 600));
    stopped = true;
    await running;
    assert.equal(await second.stop(), 0, second.log());
  } finally {
    stopped = true;
    await running;
  }
  assert.deepEqual(new Set(statuses), new Set(["200 1.1", "200 2"]));
});

/** Number of containers that are instances. */
async function instancesOf(nodeId: string): Promise<number> {
  const filters = { label: [`${nodeLabel}=${nodeId}`] };
  const all = await new Docker().listContainers({ filters });
  return all.filter(({ Labels }) => functionLabel in Labels || runtimeLabel in Labels).length;
}

Deno.test("handover: a successor that cannot start leaves the node as it is", async () => {
  await using folder = await tempDir("handover");
  const { config, start } = starter(folder.path);
  await using node = await start();
  const { url } = node;
  await create(url, await denoFunction("d", "return p.n * 2"));
  await create(url, await python("p", "def f(params, context): return params['n'] * 2"));
  const warm = async () => {
    for (const name of ["d", "p"]) {
      const { body } = await post(`${url}/invoke/${name}`, { Params: { n: 2 } });
      assert.equal(body.Result, "4", JSON.stringify(body));
      assert.equal(body.IsWarmStart, true, JSON.stringify(body));
    }
  };
  for (const name of ["d", "p"]) await post(`${url}/invoke/${name}`, { Params: { n: 2 } });
  const failing = async (more: Readonly<Record<string, unknown>>, expected: RegExp) => {
    const options = { config: { ...config, ...more }, args: ["--replace"] };
    await assert.rejects(async () => {
      await using started = await startNodeProcess(options);
      // It found the former process healthy.
      throw new Error(`ended with ${await started.exit}: ${started.log()}`);
    }, expected);
    // Its instances are still there.
    await warm();
  };
  await failing({ "registry.node.id": "another" }, /its successor must have the same/);
  await failing(
    { "api.listen": "192.0.2.1", "api.auth": "none" },
    /this machine has no such address/,
  );
  assert.match(node.log(), /this one goes on/);
});

Deno.test("handover: when either process is killed, the other one serves, and the node can start again", async () => {
  await using folder = await tempDir("handover");
  const { config, start, successor } = starter(folder.path);
  await using first = await start();
  const { url } = first;
  await create(url, await denoFunction("d", "return p.n * 2"));
  await create(url, await denoFunction("slow", "await new Promise((d) => setTimeout(d, 60_000));"));
  const works = async () => {
    const { body } = await post(`${url}/invoke/d`, { Params: { n: 2 } });
    assert.equal(body.Result, "4", JSON.stringify(body));
  };
  // Keeps the first process alive after the takeover.
  const lost = await post(`${url}/invoke/slow`, { Async: true });
  await using second = await successor();
  await eventually("the second process has taken over", () => {
    return Promise.resolve(first.log().includes("Another process serves this node now"));
  });
  await first.kill();
  await works();
  await eventually("the invocation of the killed process has failed", async () => {
    const { body } = await get(`${url}/poll/${lost.body.ReqId}`);
    return body.Code === "FUNCTION_CRASHED";
  });
  await eventually("the second process holds the folder", async () => {
    const settings = [`data.dir=${config["data.dir"]}`, `api.port=${freePort()}`];
    const command = [defaultBinary(), "start", ...settings.flatMap((one) => ["--set", one])];
    const { code, stderr } = await runToEnd(["timeout", "5", ...command]);
    return code === 1 && stderr.includes("Another node uses the directory");
  });
  await second.kill();
  await using third = await start();
  await works();
  assert.equal(await third.stop(), 0);
});

Deno.test("handover: a third process waits until the first has completed its invocations", async () => {
  await using folder = await tempDir("handover");
  const { start, successor } = starter(folder.path, { "shutdown.grace": 20 });
  await using first = await start();
  const { url } = first;
  await create(url, await python("p", "import time\ndef f(params, c): time.sleep(params['s'])"));
  const results: string[] = [];
  const accept = async () => {
    const { body } = await post(`${url}/invoke/p`, { Params: { s: 4 }, Async: true });
    results.push(body.ReqId);
  };
  await accept();
  await using second = await successor();
  await eventually("the second process has taken over", () => {
    return Promise.resolve(first.log().includes("Another process serves this node now"));
  });
  await accept();
  await using third = await successor();
  assert.equal(await second.exit, 0, second.log());
  assert.equal(await first.exit, 0, first.log());
  assert.match(third.log(), /Waiting to take over: its former process is still completing/);
  for (const id of results) {
    const { body } = await get(`${url}/poll/${id}`);
    assert.equal(body.Success, true, JSON.stringify(body));
  }
  // New instances need the folders of the third process.
  await create(url, await python("q", "def f(params, c): return params['n'] * 2"));
  assert.equal((await post(`${url}/invoke/q`, { Params: { n: 2 } })).body.Result, "4");
});

Deno.test("handover: without a running node, --replace starts one", async () => {
  await using folder = await tempDir("handover");
  await using node = await starter(folder.path).successor();
  assert.equal((await get(`${node.url}/healthz`)).status, 200);
});

Deno.test("handover: SIGUSR2 starts the program again, with the same arguments", async () => {
  await using folder = await tempDir("handover");
  const { config, start } = starter(folder.path);
  await using node = await start();
  await create(node.url, await nodejs("f", "module.exports = (p) => p.n * 2"));
  const before = (await get(`${node.url}/status`)).body;
  Deno.kill(node.pid, "SIGUSR2");
  assert.equal(await node.exit, 0);
  const pid = await successorOf(folder.path);
  try {
    // The next process can be replaced, too.
    await using third = await startNodeProcess({ config, args: ["--replace"] });
    await eventually("the second process has ended", () => Promise.resolve(!isAlive(pid)));
    const after = (await get(`${third.url}/status`)).body;
    assert.equal(after.Node, before.Node);
    assert.equal((await post(`${node.url}/invoke/f`, { Params: { n: 2 } })).body.Result, "4");
  } finally {
    if (isAlive(pid)) Deno.kill(pid, "SIGKILL");
  }
});

/** Returns the process that has the registry in a folder open. */
async function successorOf(folder: string): Promise<number> {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) =>
    /^\d+$/.test(name)
  );
  const holds = async (pid: string) => {
    try {
      for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
        const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
        if (target === `${folder}/data/registry.db`) return true;
      }
    } catch {
      // It has ended.
    }
    return false;
  };
  for (const pid of pids) if (await holds(pid)) return Number(pid);
  throw new Error(`No process uses ${folder}/data`);
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

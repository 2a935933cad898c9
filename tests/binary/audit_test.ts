/**
 * The audit record of the binary: what it has, what it must not have, and what happens when it cannot be written.
 *
 * @module
 */

import assert from "node:assert/strict";
import { code } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { defaultBinary, type NodeProcess, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { mountDisk } from "../support/small_disk.ts";
import { tempDir } from "../support/temp_dir.ts";

type Line = Record<string, unknown>;

async function linesOf(file: string): Promise<Line[]> {
  const text = await Deno.readTextFile(file).catch(() => "");
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Waits for lines, and returns those with all of the fields. */
async function having(file: string, fields: Line, count = 1): Promise<Line[]> {
  let found: Line[] = [];
  await eventually(`${count} lines with ${JSON.stringify(fields)}`, async () => {
    found = (await linesOf(file)).filter((line) =>
      Object.entries(fields).every(([key, value]) => line[key] === value)
    );
    return found.length >= count;
  });
  return found;
}

async function send(node: NodeProcess, key: string, path: string, body?: object): Promise<string> {
  const headers: Record<string, string> = key === "" ? {} : { authorization: `Bearer ${key}` };
  const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
  return await (await fetch(node.url + path, { ...init, headers })).text();
}

async function issue(node: NodeProcess, key: string, grant: object): Promise<string> {
  return JSON.parse(await send(node, key, "/keys", grant)).Key;
}

async function definition(name: string): Promise<object> {
  const TarFunctionCode = await code({ "main.js": "export default () => 'seen';" });
  const Env = { PASSWORD: "hunter2-in-a-body" };
  return { Name: name, Runtime: "deno", MemoryMB: 64, Handler: "main", TarFunctionCode, Env };
}

Deno.test("the audit record says who did what, from where, and with which result", async (t) => {
  await using folder = await tempDir("audit");
  const file = `${folder.path}/deep/audit.log`;
  await using node = await startNodeProcess({ config: { "audit.file": file } });
  const root = await issue(node, "", { Name: "root", Role: "admin" });
  const cam = await issue(node, root, { Name: "cam", Role: "invoker", Functions: ["camera-*"] });

  await t.step("changes by keys, and reads", async () => {
    await send(node, root, "/create", await definition("camera-1"));
    const [created] = await having(file, { route: "/create" });
    const { time, key, node: id, ...rest } = created!;
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.equal(key, root.split("_")[1]);
    assert.equal(typeof id, "string");
    assert.deepEqual(rest, {
      name: "root",
      role: "admin",
      address: "127.0.0.1",
      method: "POST",
      route: "/create",
      target: "camera-1",
      status: 200,
    });
    await having(file, { route: "/keys", method: "POST", target: "cam", name: "root" });
    await send(node, root, "/keys/cam/rotate", {});
    await having(file, { route: "/keys/:key/rotate", target: "cam", status: 200 });
    await send(node, root, "/status?secret=in-a-query");
    await having(file, { route: "/status", method: "GET", status: 200 });
    await send(node, root, "/create", await definition("camera-1"));
    await having(file, { target: "camera-1", status: 409, code: "FUNCTION_EXISTS" });
  });

  await t.step("refused requests, also invocations, but no successful ones", async () => {
    await send(node, cam, "/invoke/camera-1", {});
    await send(node, cam, "/fn/camera-1/x");
    await send(node, cam, "/delete", { Name: "camera-1" });
    await having(file, { route: "/delete", name: "cam", role: "invoker", code: "FORBIDDEN" });
    await send(node, cam, "/invoke/other", {});
    await having(file, { route: "/invoke/:fun", target: "other", name: "cam", status: 403 });
    await send(node, "", "/keys");
    await having(file, { route: "/keys", name: "anonymous", code: "UNAUTHORIZED" });
    await send(node, "", "/fn/camera-1/path");
    await having(file, { target: "camera-1", name: "anonymous", code: "UNAUTHORIZED" });
    const invoked = (await linesOf(file)).filter(({ status, route }) =>
      status === 200 && /invoke|fn|healthz/.test(String(route))
    );
    assert.deepEqual(invoked, []);
  });

  await t.step("a flood of refused requests is counted, not written", async () => {
    await Promise.all(Array.from({ length: 200 }, () => send(node, "", "/functions")));
    const written = (await linesOf(file)).filter(({ name }) => name === "anonymous");
    assert(written.length <= 25, `${written.length} lines`);
  });

  await t.step("neither bodies, queries, nor keys, and only its owner can read it", async () => {
    assert.equal(await node.stop(), 0);
    const [omitted] = (await linesOf(file)).filter(({ omitted }) => omitted !== undefined);
    assert(Number(omitted?.omitted) > 150, JSON.stringify(omitted));
    assert.deepEqual(omitted!.addresses, ["127.0.0.1"]);
    const text = await Deno.readTextFile(file);
    assert.doesNotMatch(text, /hunter2|in-a-query/);
    for (const key of [root, cam]) assert(!text.includes(key.split("_")[2]!));
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  });
});

Deno.test("the audit record is in the data folder once there are keys, and has what is asked for", async () => {
  await using folder = await tempDir("audit");
  const start = (config: object) =>
    startNodeProcess({ config: { "data.dir": folder.path, ...config } });
  const file = `${folder.path}/audit.log`;
  let root: string;
  {
    await using node = await start({});
    await send(node, "", "/create", await definition("f"));
    root = await issue(node, "", { Name: "root", Role: "admin" });
    await send(node, root, "/status");
    await having(file, { route: "/status" });
    assert(!(await linesOf(file)).some(({ route }) => route === "/create"), "it was open");
  }
  {
    await using node = await start({ "audit.records": "invocations", "audit.size": 4 });
    await send(node, root, "/invoke/f", {});
    await having(file, { route: "/invoke/:fun", target: "f", name: "root", status: 200 });
    await send(node, root, "/fn/f/private/path");
    await having(file, { route: "/fn/:name/:path{.*}", target: "f" });
    assert.doesNotMatch(await Deno.readTextFile(file), /private/);
    // As if much had happened before.
    await Deno.writeTextFile(file, "{}\n".repeat(350_000));
    await send(node, root, "/invoke/f", {});
    await having(file, { target: "f" });
    assert.equal((await Deno.stat(`${file}.1`)).size, 1_050_000);
  }
  await Deno.remove(file);
  {
    await using node = await start({ "audit.records": "none" });
    await send(node, root, "/status");
    await send(node, "", "/status");
    assert.equal(await node.stop(), 0);
    assert.deepEqual(await linesOf(file), []);
  }
  const args = ["--set", `data.dir=${folder.path}`, "--name", "second", "--force"];
  const init = await runToEnd([defaultBinary(), "keys", "init", ...args], {
    env: { HOME: folder.path },
  });
  assert.equal(init.code, 0, init.stderr);
  await having(file, { route: "keys init", target: "second", address: "local" });
});

Deno.test("a full disk does not stop a node with an audit record, and /healthz reports it", async () => {
  await using disk = await mountDisk("size=64k");
  const file = `${disk.path}/audit.log`;
  await using node = await startNodeProcess({ config: { "audit.file": file } });
  const root = await issue(node, "", { Name: "root", Role: "admin" });
  await having(file, { route: "/keys" });
  await Deno.writeFile(`${disk.path}/filler`, new Uint8Array(64 << 10)).catch(() => {});
  await eventually("the disk is full", async () => {
    await send(node, root, "/status");
    return /audit: cannot write .*records wait/.test(await send(node, root, "/healthz"));
  });
  assert.match(await send(node, root, "/metrics"), /serverledge_audit_lost_records_total 0/);
  assert.match(await send(node, root, "/keys"), /"root"/);
  await Deno.remove(`${disk.path}/filler`);
  await eventually(
    "all is well",
    async () => !(await send(node, root, "/healthz")).includes("audit: "),
  );
  await having(file, { route: "/metrics" });
  await having(file, { route: "/keys", method: "GET" });
});

import assert from "node:assert/strict";
import { hashArchive, packTar } from "../../lib/archive/archive.ts";
import { CodeCache } from "../../lib/registry/code/cache.ts";
import { fetchCode } from "../../lib/registry/code/fetch.ts";
import { isThisMachine } from "../../lib/http/local_address.ts";
import { eventually } from "../support/eventually.ts";
import { mountDisk } from "../support/small_disk.ts";
import { tempDir } from "../support/temp_dir.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** A registry of code that counts what is asked of it. */
class Codes {
  readonly codes = new Map<string, Uint8Array>();
  asked = 0;

  getCode(hash: string): Promise<Uint8Array | undefined> {
    this.asked++;
    return Promise.resolve(this.codes.get(hash));
  }

  /** Adds an archive with one file of that content. @returns its hash */
  async add(content: string): Promise<string> {
    const archive = await packTar([
      { path: "main.py", data: bytes(content), executable: false },
      { path: "bin/run.sh", data: bytes("#!/bin/sh\n"), executable: true },
      { path: "empty", data: null, executable: false },
    ]);
    const hash = await hashArchive(archive);
    this.codes.set(hash, archive);
    return hash;
  }
}

const isReferenced = () => true;

async function names(dir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();
}

Deno.test("code is fetched and unpacked once for concurrent callers", async () => {
  await using dir = await tempDir("code");
  const registry = new Codes();
  const hash = await registry.add("x = 1");
  const cache = new CodeCache({
    dir: `${dir.path}/code`,
    registry,
    maxBytes: 1 << 20,
    isReferenced,
  });
  const folders = await Promise.all(Array.from({ length: 10 }, () => cache.folder(hash)));
  assert.deepEqual(new Set(folders), new Set([`${dir.path}/code/${hash}`]));
  assert.equal(registry.asked, 1);
  assert.equal(await Deno.readTextFile(`${folders[0]}/main.py`), "x = 1");
  const mode = async (path: string) => (await Deno.stat(`${folders[0]}${path}`)).mode! & 0o777;
  assert.equal(await mode(""), 0o755);
  assert.equal(await mode("/main.py"), 0o644);
  assert.equal(await mode("/bin"), 0o755);
  assert.equal(await mode("/bin/run.sh"), 0o755);
  assert.equal(await mode("/empty"), 0o755);
  assert.deepEqual(await names(`${dir.path}/code`), [hash, `${hash}.tar`]);
});

Deno.test("code on the disk needs no registry, unless it is damaged", async () => {
  await using dir = await tempDir("code");
  const registry = new Codes();
  const hash = await registry.add("x = 1");
  await new CodeCache({ dir: dir.path, registry, maxBytes: 1 << 20, isReferenced }).folder(hash);
  await Deno.mkdir(`${dir.path}/.tmp-left-by-a-crash`);
  await Deno.remove(`${dir.path}/${hash}/main.py`);
  const restarted = new CodeCache({ dir: dir.path, registry, maxBytes: 1 << 20, isReferenced });
  assert.equal(await Deno.readTextFile(`${await restarted.folder(hash)}/main.py`), "x = 1");
  assert.equal(registry.asked, 1);
  assert.deepEqual(await names(dir.path), [hash, `${hash}.tar`]);
  await Deno.writeTextFile(`${dir.path}/${hash}.tar`, "half of");
  assert.equal(await restarted.local(hash), undefined);
  assert.equal((await restarted.archive(hash)).length, registry.codes.get(hash)!.length);
  assert.equal(registry.asked, 2);
});

Deno.test({
  name: "CodeCache: a disk without space is reported as such",
  // Only root may mount the small disk.
  ignore: Deno.uid() !== 0,
  async fn() {
    await using disk = await mountDisk("size=64k");
    const registry = new Codes();
    const hash = await registry.add("x".repeat(1 << 20));
    const cache = new CodeCache({ dir: disk.path, registry, maxBytes: 1 << 22, isReferenced });
    await assert.rejects(cache.folder(hash), { code: "STORAGE_FULL", message: /set data\.dir/ });
    assert.deepEqual(await names(disk.path), [], "nothing half-written is left");
  },
});

Deno.test("stored code is found, missing and wrong code is refused", async () => {
  await using dir = await tempDir("code");
  const registry = new Codes();
  const hash = await registry.add("x = 1");
  const archive = registry.codes.get(hash)!;
  const cache = new CodeCache({ dir: dir.path, registry, maxBytes: 1 << 20, isReferenced });
  registry.codes.clear();
  await assert.rejects(cache.folder(hash), { code: "INSTANCE_START_FAILED", message: /missing/ });
  registry.codes.set(hash, bytes("something else"));
  await assert.rejects(cache.folder(hash), { code: "INSTANCE_START_FAILED", message: /damaged/ });
  await cache.put(hash, archive);
  assert.deepEqual(await cache.archive(hash), archive);
  assert.deepEqual(await names(dir.path), [`${hash}.tar`]);
});

Deno.test("the least recently used code is deleted, but not while it is held", async () => {
  await using dir = await tempDir("code");
  const registry = new Codes();
  const content = "x".repeat(100_000);
  const [a, b, c] = [
    await registry.add(`a${content}`),
    await registry.add(`b${content}`),
    await registry.add(`c${content}`),
  ];
  const cache = new CodeCache({ dir: dir.path, registry, maxBytes: 450_000, isReferenced });
  const held = cache.hold(a);
  await cache.folder(a);
  await cache.folder(b);
  await cache.folder(c);
  assert.deepEqual(await names(dir.path), [a, `${a}.tar`, c, `${c}.tar`].sort());
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  await cache.folder(c);
  await cache.folder(b);
  assert.deepEqual(await names(dir.path), [b, `${b}.tar`, c, `${c}.tar`].sort());
});

Deno.test("code without a function is deleted once nothing holds it", async () => {
  await using dir = await tempDir("code");
  const registry = new Codes();
  const [a, b, c] = [await registry.add("a"), await registry.add("b"), await registry.add("c")];
  const referenced = new Set([a, b, c]);
  const options = { dir: dir.path, registry, maxBytes: 1 << 20 };
  const cache = new CodeCache({ ...options, isReferenced: (hash) => referenced.has(hash) });
  assert.equal(cache.usage, undefined);
  const held = cache.hold(b);
  for (const hash of [a, b, c]) await cache.folder(hash);
  assert.equal(cache.usage!.count, 3);

  referenced.clear();
  await cache.collect(a);
  await cache.collect(b);
  assert.deepEqual(await names(dir.path), [b, `${b}.tar`, c, `${c}.tar`].sort());
  held[Symbol.dispose]();
  await eventually("what was held is gone", async () => (await names(dir.path)).length === 2);
  assert.deepEqual(await names(dir.path), [c, `${c}.tar`]);

  referenced.add(a);
  assert.equal(await Deno.readTextFile(`${await cache.folder(a)}/main.py`), "a");
  const restarted = new CodeCache({ ...options, isReferenced: (hash) => referenced.has(hash) });
  await restarted.archive(a);
  assert.deepEqual(await names(dir.path), [`${a}.tar`]);
  assert.equal(restarted.usage!.count, 1);
});

/** A web server on this machine. */
function serve(
  handler: (request: Request) => Response,
  hostname = "127.0.0.1",
): AsyncDisposable & { url: string } {
  const server = Deno.serve({ port: 0, hostname, onListen: () => {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function route(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/to") {
    const location = `http://${searchParams.get("host")}/code`;
    return new Response(null, { status: 302, headers: { location } });
  }
  const hop = /^\/hop\/(\d)$/.exec(pathname)?.[1];
  if (hop === "0" || pathname === "/code") return new Response("the code");
  if (hop) {
    return new Response(null, { status: 302, headers: { location: `/hop/${Number(hop) - 1}` } });
  }
  if (pathname === "/away") {
    return new Response(null, { status: 307, headers: { location: "file:///etc/passwd" } });
  }
  return new Response("nothing here", { status: 404 });
}

Deno.test("code is fetched completely, with few redirects, up to the maximum size", async () => {
  await using server = serve(route);
  const fetched = (path: string, maxBytes = 8) =>
    fetchCode(new URL(path, server.url), { maxBytes, forbids: () => false, reserve: () => {} });
  assert.deepEqual(await fetched("/code"), bytes("the code"));
  assert.deepEqual(await fetched("/hop/3"), bytes("the code"));
  await assert.rejects(fetched("/hop/4"), { code: "UNPROCESSABLE", message: /3 times/ });
  await assert.rejects(fetched("/away"), { code: "UNPROCESSABLE", message: /neither http/ });
  await assert.rejects(fetched("/none"), { code: "UNPROCESSABLE", message: /status 404/ });
  await assert.rejects(fetched("/code", 7), { code: "PAYLOAD_TOO_LARGE" });
  await assert.rejects(
    fetchCode(new URL("http://127.0.0.1:1/"), {
      maxBytes: 1,
      forbids: () => false,
      reserve: () => {},
    }),
    { code: "UNPROCESSABLE" },
  );
});

Deno.test("code is fetched from no address of this machine, nor by a redirect to one", async () => {
  const own = Deno.networkInterfaces().find(({ address, family }) =>
    family === "IPv4" && !address.startsWith("127.")
  )?.address;
  assert.ok(own, "the machine has an interface in addition to loopback");
  await using server = serve(route, "0.0.0.0");
  const { port } = new URL(server.url);
  const refused = { code: "UNPROCESSABLE", message: /this machine.*code\.url\.loopback/ };
  const fetched = (url: string, forbids: (address: string) => boolean) =>
    fetchCode(new URL(url), { maxBytes: 8, forbids, reserve: () => {} });
  for (const host of ["localhost", own, `[::ffff:${own}]`]) {
    await assert.rejects(fetched(`http://${host}:${port}/code`, isThisMachine), refused, host);
  }
  // Loopback stands for another machine here.
  const forbids = (address: string) => address !== "127.0.0.1" && isThisMachine(address);
  assert.deepEqual(await fetched(`http://127.0.0.1:${port}/code`, forbids), bytes("the code"));
  const redirect = `http://127.0.0.1:${port}/to?${new URLSearchParams({ host: `${own}:${port}` })}`;
  await assert.rejects(fetched(redirect, forbids), refused);
  assert.deepEqual(await fetched(redirect, () => false), bytes("the code"));
});

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { zipBytes } from "../../tests/support/functions/zip_bytes.ts";
import { ServerledgeError } from "../base/errors.ts";
import { packTar } from "../archive/archive.ts";
import { resolveConfig } from "../config/config.ts";
import {
  type Definition,
  type FunctionRecord,
  readDefinition,
  type WireDefinition,
} from "../model/function.ts";
import { Catalog } from "./catalog.ts";
import { FunctionService } from "./functions.ts";
import type { Registry } from "./registry.ts";
import { openSqlite } from "./local/registry.ts";

interface World {
  readonly service: FunctionService;
  readonly registry: Registry;
  readonly catalog: Catalog;
  readonly cached: Map<string, Uint8Array>;
}

/** Runs a test on an in-memory registry. */
function test(
  what: string,
  run: (world: World) => Promise<void>,
  architectures: (record: FunctionRecord) => Promise<string[]> = () => Promise.resolve([]),
): void {
  Deno.test(what, async () => {
    await using registry = openSqlite(":memory:");
    await using catalog = await Catalog.open(registry);
    const cached = new Map<string, Uint8Array>();
    await using service = new FunctionService({
      registry,
      catalog,
      config: resolveConfig([]).config,
      architectures,
      codeCache: {
        put: (hash, archive) => {
          cached.set(hash, archive);
          return Promise.resolve();
        },
        hold: () => ({ [Symbol.dispose]() {} }),
        archive: (hash) => Promise.resolve(cached.get(hash)!),
      },
    });
    await run({ service, registry, catalog, cached });
  });
}

async function tar(text = "def handler(params, context): return 1"): Promise<string> {
  const data = new TextEncoder().encode(text);
  return (await packTar([{ path: "hello.py", data, executable: false }])).toBase64();
}

async function python(more: Partial<WireDefinition> = {}): Promise<Definition> {
  return readDefinition({
    Name: "f",
    Runtime: "python",
    MemoryMB: 128,
    Handler: "hello.handler",
    TarFunctionCode: await tar(),
    ...more,
  });
}

const custom = (more: Partial<WireDefinition> = {}): Definition =>
  readDefinition({ Name: "c", Runtime: "custom", MemoryMB: 1, CustomImage: "me/mine:1", ...more });

/** Any client may make a change. */
const anyone = () => {};

async function refusesAt(path: string, creating: Promise<void>): Promise<void> {
  await assert.rejects(creating, (error: { code?: string; details?: { path?: string } }) => {
    assert.equal(error.code, "UNPROCESSABLE");
    assert.equal(error.details?.path, path);
    return true;
  });
}

test("a created function is known at once, and its code is kept", async (world) => {
  await world.service.create(await python({ MaxConcurrency: 3 }));
  const record = world.catalog.get("f")!;
  assert.equal(record.maxConcurrency, 3);
  assert.deepEqual(record.architectures, ["amd64", "arm64"]);
  assert.equal("code" in record, false);
  const code = await world.registry.getCode(record.codeHash);
  assert.equal(code?.toBase64(), await tar());
  assert.deepEqual(world.cached.get(record.codeHash), code);
});

test("a name can be created once, case matters", async ({ service, catalog }) => {
  await service.create(await python());
  await assert.rejects(service.create(await python()), {
    code: "FUNCTION_EXISTS",
    message: /"f" already exists.*serverledge update.*--update/,
  });
  await service.create(await python({ Name: "F" }));
  assert.deepEqual(catalog.list().map(({ name }) => name), ["F", "f"]);
});

test("an update replaces, gives a new version, and drops code nobody uses", async (world) => {
  const { service, catalog, registry } = world;
  await service.update(await python());
  const first = catalog.get("f")!;
  await service.update(await python({ TarFunctionCode: await tar("changed") }));
  const second = catalog.get("f")!;
  assert.notEqual(second.version, first.version);
  await service[Symbol.asyncDispose]();
  assert.equal(await registry.getCode(first.codeHash), undefined);
  assert(await registry.getCode(second.codeHash));
});

test("FunctionService: a patch keeps code and fields that it does not name", async (world) => {
  const { service, catalog, registry } = world;
  await service.create(await python({ TimeoutMs: 700, Env: { A: "1" } }));
  const first = catalog.get("f")!;
  await service.patch("f", { MemoryMB: 256, Env: { B: "2" } }, anyone);
  const second = catalog.get("f")!;
  assert.notEqual(second.version, first.version);
  assert.deepEqual(second, {
    ...first,
    memoryMib: 256,
    env: { A: "1", B: "2" },
    version: second.version,
  });
  await service[Symbol.asyncDispose]();
  assert(await registry.getCode(second.codeHash));
  await service.patch("f", { TarFunctionCode: await tar("changed") }, anyone);
  assert.notEqual(catalog.get("f")!.codeHash, first.codeHash);
});

test("FunctionService: patches at the same time all count", async ({ service, catalog }) => {
  await service.create(await python());
  const names = Array.from({ length: 20 }, (_, n) => `V${n}`);
  await Promise.all(names.map((name) => service.patch("f", { Env: { [name]: name } }, anyone)));
  assert.deepEqual(Object.keys(catalog.get("f")!.env).sort(), [...names].sort());
});

test("FunctionService: a patch is refused as a definition is", async ({ service }) => {
  await assert.rejects(service.patch("f", { MemoryMB: 1 }, anyone), { code: "FUNCTION_UNKNOWN" });
  await service.create(await python());
  await refusesAt("Handler", service.patch("f", { Handler: "none" }, anyone));
  await refusesAt("CustomImage", service.patch("f", { Runtime: "custom" }, anyone));
});

test("FunctionService: a patch that is not authorized changes nothing", async (world) => {
  const { service, catalog } = world;
  await service.create(await python({ Invokes: ["g"] }));
  const before = catalog.get("f")!;
  const code = await tar("changed");
  const patching = service.patch("f", { TarFunctionCode: code }, (former, changed) => {
    assert.equal(former, before);
    assert.deepEqual(changed.invokes, ["g"], "fields that are not named are there too");
    throw new ServerledgeError("FORBIDDEN", "No");
  });
  await assert.rejects(patching, { code: "FORBIDDEN" });
  assert.equal(catalog.get("f"), before);
});

test("a removed function is unknown, and its code is dropped", async (world) => {
  const { service, catalog, registry } = world;
  await service.create(await python());
  const { codeHash } = catalog.get("f")!;
  await service.remove("f");
  assert.equal(catalog.get("f"), undefined);
  await assert.rejects(service.remove("f"), { code: "FUNCTION_UNKNOWN" });
  await service[Symbol.asyncDispose]();
  assert.equal(await registry.getCode(codeHash), undefined);
});

test("an unknown runtime is named, with the known ones", async ({ service }) => {
  await assert.rejects(service.create(await python({ Runtime: "cobol" })), {
    code: "RUNTIME_UNKNOWN",
    message: /"cobol".*python, nodejs, custom/,
  });
  await service.create(await python({ Runtime: "python314" }));
});

test("a runtime with libraries is refused without its image", async ({ service }) => {
  await assert.rejects(service.create(await python({ Runtime: "python312ml" })), (error) => {
    assert.ok(error instanceof ServerledgeError);
    assert.equal(error.code, "RUNTIME_UNKNOWN");
    assert.match(error.message, /set runtimes\.python312ml\.image to an image with/);
    return true;
  });
});

test("handlers must fit their runtime", async ({ service }) => {
  for (
    const Handler of [
      "",
      "hello",
      "hello.",
      ".handler",
      "a b.c",
      "a.1b",
      "../x.y",
      "a//b.c",
      "/a.b",
    ]
  ) {
    await refusesAt("Handler", service.create(await python({ Handler })));
  }
  const good = ["package.module.fünktion", "my-fn.handler", "src/app.handler", "./1a.b"];
  for (const [i, Handler] of good.entries()) {
    await service.create(await python({ Name: `p${i}`, Handler }));
  }
  for (const Handler of ["", "/abs.js", "../up.js", "a/../b", "a//b"]) {
    await refusesAt("Handler", service.create(await python({ Runtime: "nodejs", Handler })));
  }
  for (const [i, Handler] of ["hello", "hello.js", "./src/hello.mjs", "src/a"].entries()) {
    await service.create(await python({ Name: `n${i}`, Runtime: "nodejs", Handler }));
  }
});

test("code must be strict base64 of a TAR", async ({ service }) => {
  const good = await tar();
  const zip = new TextEncoder().encode("PK\x03\x04 a zip").toBase64();
  const empty = (await packTar([{ path: "d", data: null, executable: false }])).toBase64();
  for (const TarFunctionCode of ["", "%%%", `${good}!`, good.slice(0, -3), zip, empty]) {
    await refusesAt("TarFunctionCode", service.create(await python({ TarFunctionCode })));
  }
});

test("FunctionService: accepts TAR in gzip and ZIP, and names other formats in the error", async ({ service, catalog }) => {
  const plain = await python();
  await service.create(plain);
  const { codeHash } = catalog.get("f")!;
  const text = "def handler(params, context): return 1";
  for (
    const archive of [
      gzipSync(Uint8Array.fromBase64(String(plain.code))),
      zipBytes([{ name: "hello.py", text, mode: 0o100644, deflate: true }]),
    ]
  ) {
    await service.update(await python({ TarFunctionCode: archive.toBase64() }));
    assert.equal(catalog.get("f")!.codeHash, codeHash);
  }
  const refusals: [bytes: string, reason: RegExp][] = [
    ["\xfd7zXZ\0 packed", /it is a xz file, .* pack the code as \.tar, \.tar\.gz or \.zip/],
    ["<!DOCTYPE html><title>Sign in", /it is a web page/],
    ["\x1f\x8b cut", /the gzip archive is corrupt/],
    ["PK\x03\x04 cut", /cannot use the ZIP archive: it is truncated/],
  ];
  for (const [bytes, reason] of refusals) {
    const TarFunctionCode = btoa(bytes);
    await assert.rejects(service.update(await python({ TarFunctionCode })), (error) => {
      assert.ok(error instanceof ServerledgeError);
      assert.equal(error.details?.path, "TarFunctionCode");
      assert.match(error.message, reason);
      return true;
    });
  }
});

test("code is not fetched from this machine unless allowed", async ({ service }) => {
  const urls = ["http://127.0.0.1:1/a.tar", "http://[::1]/a", "https://169.254.169.254/x"];
  for (const url of [...urls, "http://0x7f.1/", "http://[::ffff:127.0.0.1]/", "http://0/"]) {
    const TarFunctionCode = new TextEncoder().encode(url).toBase64();
    await refusesAt("TarFunctionCode", service.create(await python({ TarFunctionCode })));
  }
});

test("a custom function needs an image, and runs one request at a time", async (world) => {
  const { service, catalog } = world;
  for (const CustomImage of ["", "Upper/Case", "a b", "-x", "a:tag:tag", "a@sha256:12"]) {
    await refusesAt("CustomImage", service.create(custom({ CustomImage })));
  }
  await service.create(custom({ MaxConcurrency: 8, SupportedArchs: ["arm64"] }));
  const record = catalog.get("c")!;
  assert.equal(record.maxConcurrency, 1);
  assert.deepEqual(record.architectures, ["arm64"]);
  assert.equal(record.codeHash, "");
  const images = ["alpine", "localhost:5000/a/b:v1.2_3", "host.example/x@sha256:" + "a".repeat(64)];
  for (const CustomImage of images) await service.update(custom({ CustomImage }));
});

test(
  "architectures of a custom image come from the image where it is known",
  async ({ service, catalog }) => {
    await service.create(custom({ SupportedArchs: ["amd64"] }));
    assert.deepEqual(catalog.get("c")?.architectures, ["riscv64"]);
  },
  () => Promise.resolve(["riscv64"]),
);

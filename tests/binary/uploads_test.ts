import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { packTar } from "../../lib/archive/archive.ts";
import { get, post } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { startNodeProcess } from "../support/node.ts";
import { longestTurn, maxTurnMs } from "../support/turns.ts";

const mib = 1 << 20;
const encoder = new TextEncoder();

/** Growth of a process that is no fault of uploads: garbage, code, buffers of connections. */
const slackMib = 128;

function notHeldUp(longestMs: number): void {
  assert.ok(longestMs < maxTurnMs, `${longestMs.toFixed()} ms of its thread before an answer`);
}

/** An archive with a function that answers 7, and with random bytes or zeros. */
async function archive(bytes: number, isRandom: boolean): Promise<Uint8Array> {
  const data = new Uint8Array(bytes);
  for (let at = 0; isRandom && at < bytes; at += 1 << 16) {
    crypto.getRandomValues(data.subarray(at, at + (1 << 16)));
  }
  return await packTar([
    { path: "main.ts", data: encoder.encode("export const seven = () => 7;"), executable: false },
    { path: "more.bin", data, executable: false },
  ]);
}

/** The request that creates a function of that code, with slashes escaped as some encoders do. */
function creation(Name: string, code: Uint8Array, escapes = false): Uint8Array<ArrayBuffer> {
  const fields = { Name, Runtime: "deno", MemoryMB: 64, Handler: "main.seven" };
  const base64 = code.toBase64();
  const json = JSON.stringify({ ...fields, tarFunctionCode: base64 });
  return encoder.encode(escapes ? json.replaceAll("/", "\\/") : json);
}

Deno.test("uploads block no other request and use no more than the reserved memory, in the binary", async (t) => {
  const budgetMib = 256;
  const config = { "code.max": 64, "api.bodies.memory": budgetMib };
  await using node = await startNodeProcess({ config });

  /** Sends a request, and has another client ask all the while. */
  const upload = async (body: Uint8Array<ArrayBuffer>, path = "/create", method = "POST") => {
    const { result, ...seen } = await longestTurn(node, async () => {
      const answer = await fetch(node.url + path, { method, body });
      return { status: answer.status, text: await answer.text() };
    });
    return { ...result, ...seen };
  };

  const runs = async (name: string) => {
    const { body } = await post(`${node.url}/invoke/${name}`, { Params: {} });
    assert.equal(body.Result, "7", JSON.stringify(body));
  };

  const long = await archive(44 * mib, true);

  for (const [name, code] of [["tar", long], ["gzip", gzipSync(long, { level: 1 })]] as const) {
    await t.step(`other requests are served while a .${name} of 44 MiB is created`, async () => {
      const { status, text, longestMs, grownMib } = await upload(creation(name, code));
      assert.equal(status, 200, text);
      notHeldUp(longestMs);
      assert.ok(grownMib < budgetMib + slackMib, `it has grown by ${grownMib.toFixed()} MiB`);
      await runs(name);
    });
  }

  await t.step(
    "other requests are served while slashes are unescaped, and during a patch",
    async () => {
      const other = await archive(44 * mib - 1, true);
      const created = await upload(creation("escaped", other, true));
      assert.equal(created.status, 200, created.text);
      notHeldUp(created.longestMs);
      await runs("escaped");
      const changes = encoder.encode(JSON.stringify({ TarFunctionCode: long.toBase64() }));
      const patched = await upload(changes, "/function/escaped", "PATCH");
      assert.equal(patched.status, 200, patched.text);
      notHeldUp(patched.longestMs);
      await runs("escaped");
    },
  );

  await t.step(
    "an archive that unpacks to more than the available memory is rejected",
    async () => {
      const bomb = gzipSync(await archive(400 * mib, false));
      const { status, text, grownMib } = await upload(creation("bomb", bomb));
      assert.equal(status, 429, text);
      assert.match(text, /NODE_SATURATED.*api\.bodies\.memory/);
      assert.ok(grownMib < budgetMib + slackMib, `it has grown by ${grownMib.toFixed()} MiB`);
      // What it had reserved was given back.
      assert.equal((await upload(creation("tar-2", long))).status, 200);
    },
  );
});

Deno.test("an upload interrupted by a crash leaves no function, or a whole one, in the binary", async () => {
  const code = await archive(24 * mib, true);
  const dir = await Deno.makeTempDir({ prefix: "serverledge-uploads-" });
  const config = { "data.dir": `${dir}/data` };
  try {
    {
      await using node = await startNodeProcess({ config });
      assert.equal(
        (await fetch(`${node.url}/create`, {
          method: "POST",
          body: creation("whole", code),
        })).status,
        200,
      );
      const cut = fetch(`${node.url}/create`, {
        method: "POST",
        body: creation("cut", await archive(24 * mib + 1, true)),
      }).then((answer) => answer.text()).catch(() => "cut off");
      const written = () => Number(Deno.statSync(`${dir}/data/registry.db-wal`).mtime);
      const before = written();
      await eventually("a part is written", () => written() !== before);
      await node.kill();
      await cut;
    }
    // What only the registry has is read back.
    await Deno.remove(`${dir}/data/code`, { recursive: true });
    await using node = await startNodeProcess({ config });
    const { body: names } = await get(`${node.url}/function`);
    assert.ok(names.includes("whole"), String(names));
    for (const name of names) {
      const { body } = await post(`${node.url}/invoke/${name}`, { Params: {} });
      assert.equal(body.Result, "7", JSON.stringify(body));
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

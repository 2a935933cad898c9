import assert from "node:assert/strict";
import { deflateRawSync, gzipSync } from "node:zlib";
import { zipBytes } from "../../../tests/support/functions/zip_bytes.ts";
import { packTar, readTar } from "../../archive/archive.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { QuotedText } from "../../json/quoted.ts";
import { readCode } from "./source.ts";

const encoder = new TextEncoder();
const tar = await packTar([{ path: "f.py", data: encoder.encode("1"), executable: false }]);

/** Reads code as from a request, and returns it with the reserved memory. */
async function read(encoded: string | QuotedText) {
  let reserved = 0;
  const reserve = (bytes: number) => void (reserved += bytes);
  const archive = await readCode(encoded, { maxBytes: 1 << 20, forbids: () => true, reserve });
  return { archive, reserved, paths: (await readTar(archive)).map(({ path }) => path) };
}

async function refused(encoded: string | QuotedText, message: RegExp, code = "UNPROCESSABLE") {
  await assert.rejects(read(encoded), (error) => {
    assert(error instanceof ServerledgeError, String(error));
    assert.equal(error.code, code, error.message);
    assert.deepEqual(error.details?.path, "TarFunctionCode");
    assert.match(error.message, message);
    return true;
  });
}

const quoted = (text: string) => new QuotedText(encoder.encode(`"${text}"`));

Deno.test("readCode: a TAR stays unchanged, from short and from long texts", async () => {
  assert.deepEqual((await read(tar.toBase64())).archive, tar);
  assert.deepEqual((await read(quoted(tar.toBase64()))).archive, tar);
});

Deno.test("readCode: slashes escaped in JSON are decoded, and memory is reserved", async () => {
  const bytes = new Uint8Array(tar);
  bytes.set([0xff, 0xff, 0xff], tar.length - 3);
  const text = bytes.toBase64();
  assert(text.includes("/"));
  const { archive, reserved } = await read(quoted(text.replaceAll("/", "\\/")));
  assert.deepEqual(archive, bytes);
  assert(reserved >= text.length);
});

Deno.test("readCode: TAR in gzip and ZIP become TAR, and their unpacked size is reserved", async () => {
  const gzip = await read(gzipSync(tar).toString("base64"));
  assert.deepEqual(gzip.archive, tar);
  assert(gzip.reserved >= tar.length);
  const zip = await read(zipBytes([{ name: "a/b.py", text: "hello" }]).toBase64());
  assert.deepEqual(zip.paths, ["a/b.py"]);
  assert(zip.reserved >= 5);
});

Deno.test("readCode: text that is not base64 is refused, whether short or long", async () => {
  for (const text of ["no base64!", tar.toBase64().slice(0, -1), "AAAA=AAA"]) {
    await refused(text, /expected base64/);
    await refused(quoted(text), /expected base64/);
  }
  await refused(quoted("AA\\/!"), /expected base64/);
});

Deno.test("readCode: an archive without a file is refused", async () => {
  await refused((await packTar([])).toBase64(), /contains no file/);
  const folder = await packTar([{ path: "empty", data: null, executable: false }]);
  await refused(folder.toBase64(), /contains no file/);
});

Deno.test("readCode: damaged gzip, and gzip of content other than TAR, is refused", async () => {
  const gzip = gzipSync(tar);
  await refused(gzip.subarray(0, 40).toString("base64"), /gzip/);
  gzip[30]! ^= 0xff;
  await refused(gzip.toString("base64"), /gzip|TAR/);
  await refused(gzipSync("no archive").toString("base64"), /TAR/);
});

Deno.test("readCode: other formats are refused by name", async () => {
  const begins = (...bytes: number[]) => {
    const content = new Uint8Array(600);
    content.set(bytes);
    return content.toBase64();
  };
  await refused(begins(0x42, 0x5a, 0x68), /bzip2/i);
  await refused(begins(0xfd, 0x37, 0x7a, 0x58, 0x5a), /xz/i);
  await refused(deflateRawSync("x").toString("base64"), /archive/i);
});

Deno.test("readCode: a URL is fetched, but not from a forbidden address", async () => {
  const url = btoa("http://127.0.0.1:9/code.tar");
  await refused(url, /points to this machine.*code\.url\.loopback/);
  await refused(btoa("HTTPS://127.0.0.1:9/x"), /points to this machine/);
  // Text that only begins like a URL is an archive of unknown format.
  await refused(btoa("http is a protocol"), /archive/i);
});

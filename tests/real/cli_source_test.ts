import assert from "node:assert/strict";
import { ServerledgeError } from "../../lib/base/errors.ts";
import { readSource } from "../../lib/cli/source/source.ts";
import { readTar } from "../../lib/archive/archive.ts";
import { readCode } from "../../lib/registry/code/source.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";
import { zipBytes } from "../support/functions/zip_bytes.ts";

function refused(source: string, reason: RegExp): Promise<void> {
  return assert.rejects(readSource(source), (error) => {
    assert.ok(error instanceof ServerledgeError);
    assert.equal(error.details?.exit, 3);
    assert.match(error.message, reason);
    return true;
  });
}

Deno.test("a file that may never end is refused as source", async () => {
  await using folder = await tempDir("source");
  const pipe = `${folder.path}/pipe`;
  await runToEnd(["mkfifo", pipe]);
  for (const source of ["/dev/zero", pipe]) {
    await refused(source, /: it is neither a file nor a directory$/);
  }
});

Deno.test("links and pipes of a folder are left out with a warning", async () => {
  await using folder = await tempDir("source");
  const root = `${folder.path}/app`;
  await Deno.mkdir(`${root}/part`, { recursive: true });
  await Deno.symlink("../main.py", `${root}/part/shared.py`);
  await Deno.symlink("part", `${root}/other`);
  await refused(root, /: it contains no files; skipped 2 links: other, part\/shared\.py; copy /);

  await Deno.writeTextFile(`${root}/main.py`, "pass");
  await runToEnd(["mkfifo", `${root}/pipe`]);
  const { base64, warnings } = await readSource(root);
  const entries = await readTar(Uint8Array.fromBase64(base64));
  assert.deepEqual(entries.filter(({ data }) => data).map(({ path }) => path), ["app/main.py"]);
  assert.deepEqual(warnings, [
    "skipped 2 links: other, part/shared.py; copy their targets if the function needs them",
    "skipped 1 special file: pipe",
  ]);

  // The folder itself may be a link.
  await Deno.symlink("app", `${folder.path}/link`);
  assert.equal((await readSource(`${folder.path}/link`)).warnings.length, 2);
});

/** What a node keeps of a source. */
async function kept(source: string): Promise<Record<string, [text: string, executable: boolean]>> {
  const { base64 } = await readSource(source);
  const archive = await readCode(base64, {
    maxBytes: 1 << 20,
    forbids: () => true,
    reserve: () => {},
  });
  const files = (await readTar(archive)).filter(({ data }) => data !== null);
  return Object.fromEntries(files.map(({ path, data, executable }) => {
    return [path, [new TextDecoder().decode(data!), executable]];
  }));
}

Deno.test("archives keep what GNU tar, gzip and zip wrote into them", async () => {
  await using folder = await tempDir("source");
  const at = (name: string) => `${folder.path}/${name}`;
  await Deno.writeTextFile(at("app.py"), "code");
  await Deno.writeTextFile(at("tool.sh"), "#!");
  await Deno.chmod(at("tool.sh"), 0o755);
  await Deno.utime(at("app.py"), -43_200, -43_200);
  const tar = (...options: string[]) =>
    runToEnd(["tar", "-C", folder.path, ...options, "app.py", "tool.sh"]);
  await tar("-cf", at("gnu.tar"), "--format=gnu", "--owner=:3000000000");
  await tar("-cf", at("old.tar"), "--format=oldgnu", "--atime-preserve");
  await tar("-cf", at("pax.tar"), "--format=posix");
  await tar("-czf", at("app.tar.gz"));
  await tar("-czf", at("app.tgz"));
  await Deno.writeFile(
    at("app.zip"),
    zipBytes([
      { name: "app.py", text: "code", mode: 0o100644, deflate: true },
      { name: "tool.sh", text: "#!", mode: 0o100755 },
    ]),
  );
  const right = { "app.py": ["code", false], "tool.sh": ["#!", true] };
  for (const name of ["gnu.tar", "old.tar", "pax.tar", "app.tar.gz", "app.tgz", "app.zip"]) {
    assert.deepEqual(await kept(at(name)), right, name);
  }
});

Deno.test("archives that are damaged or of another format are refused as such", async () => {
  await using folder = await tempDir("source");
  const write = async (name: string, bytes: Uint8Array) => {
    await Deno.writeFile(`${folder.path}/${name}`, bytes);
    return `${folder.path}/${name}`;
  };
  const damaged = zipBytes([{ name: "app.py", text: "right" }]);
  damaged.set(new TextEncoder().encode("wrong"), 30 + "app.py".length);
  await refused(await write("a.zip", damaged), /its entry "app\.py" is corrupt: its CRC-32 is/);
  await refused(await write("a.tar.xz", damaged), /its format is not supported; pack the code as/);
});

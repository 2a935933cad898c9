import assert from "node:assert/strict";
import { ServerledgeError } from "../../lib/base/errors.ts";
import { readSource } from "../../lib/cli/source.ts";
import { readTar } from "../../lib/model/archive.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

function refused(source: string, reason: RegExp): Promise<void> {
  return assert.rejects(readSource(source), (error) => {
    assert.ok(error instanceof ServerledgeError);
    assert.equal(error.details?.exit, 3);
    assert.match(error.message, reason);
    return true;
  });
}

Deno.test("what may never end is no source", async () => {
  await using folder = await tempDir("source");
  const pipe = `${folder.path}/pipe`;
  await runToEnd(["mkfifo", pipe]);
  for (const source of ["/dev/zero", pipe]) {
    await refused(source, /: it is neither a file nor a folder$/);
  }
});

Deno.test("links and pipes of a folder are left out with a warning", async () => {
  await using folder = await tempDir("source");
  const root = `${folder.path}/app`;
  await Deno.mkdir(`${root}/part`, { recursive: true });
  await Deno.symlink("../main.py", `${root}/part/shared.py`);
  await Deno.symlink("part", `${root}/other`);
  await refused(root, /: it holds no file; left out 2 links: other, part\/shared\.py; copy /);

  await Deno.writeTextFile(`${root}/main.py`, "pass");
  await runToEnd(["mkfifo", `${root}/pipe`]);
  const { base64, warnings } = await readSource(root);
  const entries = await readTar(Uint8Array.fromBase64(base64));
  assert.deepEqual(entries.filter(({ data }) => data).map(({ path }) => path), ["app/main.py"]);
  assert.deepEqual(warnings, [
    "left out 2 links: other, part/shared.py; copy what they point to if the function needs it",
    "left out 1 of neither file nor folder nor link: pipe",
  ]);

  // The folder itself may be a link.
  await Deno.symlink("app", `${folder.path}/link`);
  assert.equal((await readSource(`${folder.path}/link`)).warnings.length, 2);
});

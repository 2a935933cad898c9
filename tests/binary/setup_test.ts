import assert from "node:assert/strict";

Deno.test("settings are written correctly for callers that stop at the first failure", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/scripts`);
    for (const file of ["setup.sh", "images.sh"]) {
      await Deno.copyFile(
        new URL(`../../scripts/${file}`, import.meta.url),
        `${dir}/scripts/${file}`,
      );
    }
    const script =
      'source scripts/setup.sh; mkdir -p "$TOOLS"; write_env; write_env; cat "$TOOLS/env"';
    const { success, stdout } = await new Deno.Command("bash", {
      args: ["-euc", script],
      cwd: dir,
      env: { DENO_TLS_CA_STORE: "system" },
    }).output();
    assert(success);
    assert.match(new TextDecoder().decode(stdout), /export DENO_TLS_CA_STORE=system/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

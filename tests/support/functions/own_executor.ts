/**
 * A program that speaks the executor's protocol itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runToEnd } from "../process.ts";

/** Compiles `tests/images/functions/own_executor.c` to a static executable. */
export async function buildOwnExecutor(target: string): Promise<void> {
  const source = fileURLToPath(
    new URL("../../images/functions/own_executor.c", import.meta.url),
  );
  const flags = "-std=c17 -Os -ffreestanding -fno-builtin -fno-stack-protector -nostdlib -static";
  const built = await runToEnd([
    ...["clang", ...flags.split(" "), "-fuse-ld=lld", "-Wno-unused-function"],
    ...["-o", target, source],
  ]);
  assert.equal(built.code, 0, built.stderr);
  await Deno.chmod(target, 0o755);
}

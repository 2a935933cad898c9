/**
 * What executors of every language do with output that a function writes while it is loaded.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Instance } from "../../lib/runtime/environment.ts";
import { failure, strayOutput } from "../contract/environment.ts";
import { dockerCall, type DockerWorld } from "./docker.ts";
import { eventually } from "./eventually.ts";

/**
 * Checks one executor with one call at a time and with several.
 *
 * @param world where its instances are
 * @param start starts an instance of a handler of tests/images/functions with changed fields
 * @param handlers one whose load writes and fails, and one whose load writes and succeeds
 */
export async function checkLoadOutput(
  t: Deno.TestContext,
  world: DockerWorld,
  start: (handler: string, change: { maxConcurrency: number }) => Promise<Instance>,
  handlers: { readonly broken: string; readonly talkative: string },
): Promise<void> {
  for (const maxConcurrency of [1, 3]) {
    await t.step(`what is written while loading, at ${maxConcurrency}`, async () => {
      await using broken = await start(handlers.broken, { maxConcurrency });
      for (let i = 0; i < 2; i++) {
        const reply = await broken.invoke(dockerCall());
        failure(reply);
        assert.equal(reply.output, "while loading\n", "a load that failed tells it");
      }
      await using talkative = await start(handlers.talkative, { maxConcurrency });
      const { output } = await talkative.invoke(dockerCall({ returnOutput: true }));
      assert.equal(output, "while running\n");
      for (const instance of [broken, talkative]) {
        await eventually(
          "the log has it in any case",
          async () => (await strayOutput(world, instance)).includes("while loading\n"),
        );
      }
    });
  }
}

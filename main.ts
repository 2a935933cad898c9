/**
 * The entry of the program: runs the command line and ends with its exit status. With a hidden
 * first argument it is one of the helpers that a node starts instead, and loads nothing else.
 *
 * @module
 */

import { backupMode } from "./lib/registry/local/backup_process.ts";
import { prepareMode, sandboxMode } from "./lib/runtime/sandbox/spec.ts";

async function run(): Promise<number> {
  switch (Deno.args[0]) {
    case sandboxMode: {
      const { runSandbox } = await import("./lib/runtime/sandbox/guest/main.ts");
      await runSandbox();
      return 0;
    }
    case prepareMode: {
      const { runPrepare } = await import("./lib/runtime/sandbox/prepare/main.ts");
      await runPrepare();
      return 0;
    }
    case backupMode: {
      const { runBackup } = await import("./lib/registry/local/backup.ts");
      return runBackup(Deno.args.slice(1));
    }
    default: {
      const { main } = await import("./cli.ts");
      return await main(Deno.args);
    }
  }
}

// Not awaited here: in a sandbox the event loop would count it as something that is still to be done.
run().then(Deno.exit);

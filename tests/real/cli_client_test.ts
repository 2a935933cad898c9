import assert from "node:assert/strict";
import { NodeClient } from "../../lib/cli/client/client.ts";

Deno.test("NodeClient: rejects an aborted call with the signal's reason, without resolving the host", async () => {
  using node = new NodeClient({ host: "node.invalid", port: 1323, isSecure: false });
  const reason = new Error("no longer needed");
  await assert.rejects(node.get("/status", { signal: AbortSignal.abort(reason) }), reason);
});

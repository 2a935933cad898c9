import assert from "node:assert/strict";
import { hostPort, parseHostPort } from "./host_port.ts";

Deno.test("hostPort, parseHostPort: write and parse addresses with ports", () => {
  for (const [hostname, port] of [["10.0.0.5", 9876], ["::1", 1]] as const) {
    assert.deepEqual(parseHostPort(hostPort(hostname, port)), { hostname, port });
  }
  for (const bad of ["", "10.0.0.5", "10.0.0.5:", "10.0.0.5:0", "10.0.0.5:70000", "::1:9"]) {
    assert.equal(parseHostPort(bad), undefined);
  }
});

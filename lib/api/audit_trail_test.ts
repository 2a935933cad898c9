import assert from "node:assert/strict";
import { unlimitedGrant } from "../access/key.ts";
import { GrantedPrincipal, type Principal, stranger } from "../access/principal.ts";
import { ManualClock } from "../base/clock.ts";
import { incomingRequest } from "../http/server/web.ts";
import { AuditLog } from "../telemetry/audit/audit_log.ts";
import { AuditTrail } from "./audit_trail.ts";

const none = () => false;

/** Returns who a refused request of a client is recorded for. */
async function recordedAs(principal: Principal | undefined): Promise<Record<string, unknown>> {
  let lines = "";
  const sink = { path: "", append: (text: string) => Promise.resolve(void (lines += text)) };
  {
    await using log = new AuditLog(sink, "n1", new ManualClock());
    new AuditTrail(log, { isRequired: true }, "").ended({
      request: incomingRequest(new Request("http://n1/keys"), "10.0.0.9"),
      access: "admin",
      route: "/keys",
      principal,
      target: undefined,
      status: 403,
      code: "FORBIDDEN",
    });
  }
  const { name, key, role } = JSON.parse(lines);
  return { name, key, role };
}

Deno.test("AuditTrail: names the key or token, also one without rights", async () => {
  const [key, role] = [undefined, undefined];
  const granted = new GrantedPrincipal("k1", unlimitedGrant("cam", "invoker"), none);
  assert.deepEqual(await recordedAs(granted), { name: "cam", key: "k1", role: "invoker" });
  const subject = stranger(none, undefined, { id: "s1", name: "bob@idp" });
  assert.deepEqual(await recordedAs(subject), { name: "bob@idp", key: "s1", role });
  for (const client of [stranger(none), undefined]) {
    assert.deepEqual(await recordedAs(client), { name: "anonymous", key, role });
  }
});

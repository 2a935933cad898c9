import assert from "node:assert/strict";
import { unreadableRecords } from "./unreadable.ts";

Deno.test("unreadableRecords: counts what has another key than those of the node", () => {
  const [known, lost] = [{ keyId: "known" }, { keyId: "lost" }];
  const of = (secrets: { keyId: string }[], logins: { keyId: string }[]) =>
    unreadableRecords(new Set(["known"]), { secrets, logins });
  assert.equal(of([], []), undefined);
  assert.equal(of([known], [known]), undefined);
  assert.match(of([known, lost], [known])!, /decrypts 1 secret$/);
  assert.match(of([lost, lost], [lost])!, /decrypts 2 secrets and 1 login$/);
});

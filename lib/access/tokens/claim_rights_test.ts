import assert from "node:assert/strict";
import { readClaimRights, rightsOf } from "./claim_rights.ts";

const table = readClaimRights([
  { claim: "groups", value: "platform", role: "admin" },
  { claim: "realm_access.roles", value: "camera-*", role: "deployer", functions: ["camera-*"] },
  { claim: "https://idp.example/tenant", value: 7, role: "viewer" },
  { claim: "scope", value: "invoke", role: "invoker", rate: 5, memory: 256 },
  { claim: "email_verified", value: "true", role: "viewer", functions: ["public-*"] },
]);

Deno.test("rightsOf: the first row that matches counts", () => {
  const roleOf = (claims: Record<string, unknown>) => rightsOf(table, claims)?.role;
  assert.equal(roleOf({ groups: ["staff", "platform"], scope: "invoke" }), "admin");
  assert.equal(roleOf({ groups: "platform" }), "admin");
  assert.equal(roleOf({ groups: "platform staff" }), undefined, "only a scope is a list of words");
  assert.equal(roleOf({ scope: "openid invoke" }), "invoker");
  assert.equal(roleOf({ realm_access: { roles: ["x", "camera-team"] } }), "deployer");
  assert.equal(roleOf({ "https://idp.example/tenant": 7 }), "viewer");
  assert.equal(roleOf({ email_verified: true }), "viewer");
  for (const claims of [{}, { groups: { platform: 1 } }, { groups: null }, { toString: "x" }]) {
    assert.equal(roleOf(claims), undefined, JSON.stringify(claims));
  }
});

Deno.test("rightsOf: a row has the fields of a key, with the same defaults", () => {
  assert.deepEqual(rightsOf(table, { scope: "invoke" }), {
    role: "invoker",
    functions: ["*"],
    classes: [],
    rate: 5,
    burst: 0,
    concurrency: 0,
    memoryMib: 256,
  });
});

Deno.test("readClaimRights: an unusable table is refused with row and field", () => {
  const row = { claim: "sub", value: "*", role: "viewer" };
  const cases: [unknown, RegExp][] = [
    [[], /api\.tokens\.rights: expected at least one row/],
    [[row, { ...row, role: "root" }], /1\.role: expected admin, deployer/],
    [[{ ...row, functions: "*" }], /0\.functions: expected a list/],
    [[{ ...row, roles: "admin" }], /0\.roles/],
    [[{ value: "*", role: "viewer" }], /0\.claim/],
    [[{ ...row, rate: -1 }], /0\.rate: expected 0 or more/],
  ];
  for (const [rows, message] of cases) {
    assert.throws(() => readClaimRights(rows), { code: "CONFIG_INVALID", message });
  }
});

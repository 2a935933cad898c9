import assert from "node:assert/strict";
import { resolveConfig } from "../config/config.ts";
import { requireClusterAuth } from "./cluster.ts";

const require = (values: Record<string, string>) =>
  requireClusterAuth(resolveConfig([{ origin: "test", values }]).config);

Deno.test("requireClusterAuth: a member that listens beyond loopback needs the secret, or a word", () => {
  const open = { "api.listen": "0.0.0.0", "etcd.address": "10.0.0.2:2379" };
  assert.throws(() => require(open), {
    code: "CONFIG_INVALID",
    message: /api\.listen is 0\.0\.0\.0\) needs cluster\.secret; .* or set cluster\.auth to none/,
  });
  require({ ...open, "cluster.secret": "s3cret" });
  require({ ...open, "cluster.auth": "none" });
});

Deno.test("requireClusterAuth: a node alone or on loopback needs no secret", () => {
  require({ "api.listen": "0.0.0.0" });
  require({ "etcd.address": "10.0.0.2:2379" });
  require({ "etcd.address": "10.0.0.2:2379", "api.listen": "::1" });
});

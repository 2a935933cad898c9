import assert from "node:assert/strict";
import { ownGroups } from "./cgroups.ts";

Deno.test("ownGroups: reads the groups of a process for both versions", () => {
  const text = "12:cpu,cpuacct:/system.slice\n4:memory:/a:b/c\n0::/user.slice/x\n\n";
  assert.deepEqual([...ownGroups(text)], [
    ["cpu", "/system.slice"],
    ["cpuacct", "/system.slice"],
    ["memory", "/a:b/c"],
    ["", "/user.slice/x"],
  ]);
});

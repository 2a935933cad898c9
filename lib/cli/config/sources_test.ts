import assert from "node:assert/strict";
import { resolveConfig } from "../../config/config.ts";
import { commandLineSource, environmentSource } from "./sources.ts";

Deno.test("environmentSource: variables set keys and images of runtimes", () => {
  const { source, warnings } = environmentSource({
    SERVERLEDGE_API_PORT: "80",
    SERVERLEDGE_CONTAINER_POOL_MEMORY: "512",
    SERVERLEDGE_RUNTIMES_PYTHON_IMAGE: "my/python",
    SERVERLEDGE_RUNTIMES_MY_RUNTIME_EXECUTOR: "http",
    PATH: "/bin",
  });
  assert.deepEqual(source.values, {
    "api.port": "80",
    "container.pool.memory": "512",
    "runtimes.python.image": "my/python",
    "runtimes.my_runtime.executor": "http",
  });
  assert.deepEqual(warnings, []);
});

Deno.test("environmentSource: an unknown variable gives a warning, one of the command line does not", () => {
  const { source, warnings } = environmentSource({
    SERVERLEDGE_HOST: "a",
    SERVERLEDGE_PORT: "1",
    SERVERLEDGE_DEBUG: "1",
    SERVERLEDGE_API_PROT: "80",
  });
  assert.deepEqual(source.values, {});
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^SERVERLEDGE_API_PROT /);
});

Deno.test("environmentSource: variables of former keys set these, which are converted with a warning", () => {
  const { source, warnings } = environmentSource({
    SERVERLEDGE_SANDBOX_SPARES: "3",
    SERVERLEDGE_RUNTIMES_PYTHON_SPARES: "2",
    SERVERLEDGE_CONTAINERS_MEMORY: "512",
  });
  assert.deepEqual(warnings, []);
  const resolved = resolveConfig([source]);
  assert.equal(resolved.config["sandbox.generic"], 3);
  assert.equal(resolved.config["container.pool.memory"], 512);
  assert.equal(resolved.config.runtimes.get("python")?.generic, 2);
  assert.equal(resolved.warnings.length, 3);
});

Deno.test("commandLineSource: sets keys, and options override --set", () => {
  const options = { listen: "0.0.0.0", area: "edge", set: ["API.Port=1", "data.dir=/a=b", "x= "] };
  assert.deepEqual(commandLineSource(options, 8080).values, {
    "api.port": 8080,
    "data.dir": "/a=b",
    "api.listen": "0.0.0.0",
    "registry.area": "edge",
    x: " ",
  });
  const twice = { listen: undefined, area: undefined, set: ["x.y=1", "X.Y=2"] };
  assert.deepEqual(commandLineSource(twice, undefined).values, { "x.y": "2" });
  for (const item of ["api.port", "=1", ""]) {
    const bad = { listen: undefined, area: undefined, set: [item] };
    assert.throws(() => commandLineSource(bad, undefined), /--set KEY=VALUE/);
  }
});

Deno.test("environmentSource: variables set fields of classes of service", () => {
  const { source, warnings } = environmentSource({
    SERVERLEDGE_QOS_CRITICAL_LIMIT: "9",
    SERVERLEDGE_QOS_BATCH_JOBS_ID: "2",
    SERVERLEDGE_QOS_CRITICAL_LIMITS: "9",
  });
  assert.deepEqual(source.values, { "qos.critical.limit": "9", "qos.batch_jobs.id": "2" });
  assert.deepEqual(warnings.map((text) => text.split(" ")[0]), ["SERVERLEDGE_QOS_CRITICAL_LIMITS"]);
});

Deno.test("environmentSource: variables set parameters of policies", () => {
  const { source, warnings } = environmentSource({ SERVERLEDGE_POLICY_BANDWIDTH_EDGE: "100" });
  assert.deepEqual(source.values, { "policy.bandwidth.edge": "100" });
  assert.deepEqual(warnings, []);
});

import assert from "node:assert/strict";
import { ServerledgeError } from "../base/errors.ts";
import { environmentName, findRuntime, resolveConfig } from "./config.ts";
import { settings } from "./settings.ts";

function resolve(values: Record<string, unknown>) {
  return resolveConfig([{ origin: "node.yaml", values }]);
}

function refusal(values: Record<string, unknown>): string {
  try {
    resolve(values);
  } catch (error) {
    assert.ok(error instanceof ServerledgeError);
    assert.equal(error.code, "CONFIG_INVALID");
    return error.message;
  }
  assert.fail("the configuration was accepted");
}

Deno.test("resolveConfig: without sources, every key has its default", () => {
  const { config, origins, warnings } = resolveConfig([]);
  for (const [key, { value }] of Object.entries(settings)) {
    assert.equal(config[key as keyof typeof settings], value, key);
  }
  assert.deepEqual([...config.runtimes.keys()], [
    "python",
    "nodejs",
    "custom",
    "deno",
    "wasm",
    "binary",
  ]);
  assert.deepEqual([origins.size, warnings.length], [0, 0]);
});

Deno.test("every default satisfies its own schema", () => {
  const values = Object.fromEntries(
    Object.entries(settings).map(([key, { value }]) => [key, value]),
  );
  const { chosen, ...config } = resolve(values).config;
  const { chosen: none, ...defaults } = resolveConfig([]).config;
  assert.deepEqual(config, defaults);
  assert.deepEqual([[...chosen], [...none]], [Object.keys(settings), []]);
});

Deno.test("resolveConfig: keys are dotted, nested or both, in any case", () => {
  const { config } = resolve({
    "API.Port": 8080,
    container: { Pool: { memory: 512 }, "expiration": "1.5" },
    "log.level": "debug",
  });
  assert.equal(config["api.port"], 8080);
  assert.equal(config["container.pool.memory"], 512);
  assert.equal(config["container.expiration"], 1.5);
  assert.equal(config["log.level"], "debug");
});

Deno.test("resolveConfig: a key that one source sets twice is refused", () => {
  for (
    const values of [
      { "api.port": 1, "API.Port": 2 },
      { "api.port": 1, api: { port: 1 } },
      { api: { port: 1 }, API: { Port: 2 } },
    ]
  ) {
    assert.match(refusal(values), /^api\.port \(node\.yaml\): set more than once \(/);
  }
  const policy = { "policy.cost": 1, policy: { Cost: 2 } };
  assert.match(refusal(policy), /^policy\.cost .* more than once/);
  resolve({ "api.port": 1, api: { port: null, listen: "::" } });
});

Deno.test("the URL of a node names a scheme, a host and a port", () => {
  assert.equal(resolve({ "api.url": "http://Edge:8080/" }).config["api.url"], "http://edge:8080");
  for (const url of ["edge:8080", "http://edge:8080/path"]) {
    assert.match(refusal({ "api.url": url }), /expected http\[s\]:\/\/HOST or/);
  }
});

Deno.test("resolveConfig: a key may have a value and keys below it", () => {
  const { warnings } = resolve({
    "workflow.offloading.policy": "ilp",
    "workflow.offloading.policy.optimizer.host": "solver",
    "etcd.address": "a:1",
    "etcd.tls": { ca: "ca.pem" },
  });
  assert.equal(warnings.length, 2);
});

Deno.test("resolveConfig: later sources take precedence, and each value has its origin", () => {
  const { config, origins } = resolveConfig([
    { origin: "file", values: { "api.port": 1, "registry.area": "A" } },
    { origin: "environment", values: { "api.port": "2" } },
    { origin: "command line", values: { "registry.area": "B" } },
  ]);
  assert.deepEqual([config["api.port"], config["registry.area"]], [2, "B"]);
  assert.equal(origins.get("api.port"), "environment");
  assert.equal(origins.get("registry.area"), "command line");
  assert.equal(origins.get("api.listen"), undefined);
});

Deno.test("resolveConfig: texts of the environment and the command line become numbers and flags", () => {
  const { config } = resolve({
    "metrics.enabled": "false",
    "api.port": " 80 ",
    "registry.area": 7,
  });
  assert.deepEqual([config["metrics.enabled"], config["api.port"]], [false, 80]);
  assert.equal(config["registry.area"], "7");
});

Deno.test("resolveConfig: an invalid value is refused with key, origin and allowed values", () => {
  for (
    const [key, value, allowed] of [
      ["api.port", 70000, "an integer from 0 to 65535"],
      ["api.port", "eighty", "an integer from 0 to 65535"],
      ["api.port", "", "an integer from 0 to 65535"],
      ["api.port", 1.5, "an integer from 0 to 65535"],
      ["metrics.enabled", "yes", "true or false"],
      ["log.level", "loud", "debug, info, warning, error"],
      ["node.architecture", "x86", "amd64, arm64, or empty, current"],
      ["data.dir", ["a"], "text"],
      ["container.expiration", -1, "a number from 0 to"],
    ] as const
  ) {
    const message = refusal({ [key]: value });
    assert.ok(message.startsWith(`${key} (node.yaml): expected ${allowed}`), message);
  }
});

Deno.test("members of etcd are hosts with or without scheme and port", () => {
  for (
    const good of ["", "etcd", "a.b_c:2379, 10.0.0.2:1", "[::1]:2379", "https://a,HTTP://b:65535/"]
  ) {
    assert.equal(resolve({ "etcd.address": good }).config["etcd.address"], good);
  }
  for (
    const bad of [
      ...["no port here:xx", ",", " ", "a:1,", "a:1 b:1", ":2379", "2379", 2379, "a:0", "a:65536"],
      ...["ftp://a:1", "http://a:1/v3", "http://u:p@a:1", "a:1?x", "a/b", "http:/a"],
    ]
  ) {
    assert.match(
      refusal({ "etcd.address": bad }),
      /^etcd\.address \(node\.yaml\): expected \[http:\/\/\|https:\/\/\]HOST\[:PORT\], several/,
      String(bad),
    );
  }
});

Deno.test("resolveConfig: names of nodes and areas must be valid in headers", () => {
  const rule = "expected 1 to 128 ASCII letters, digits, dots, dashes or underscores";
  for (const key of ["registry.area", "registry.remote.area", "registry.node.id"]) {
    for (const bad of ["knoten-ü☃", "New York", "a/b", "x".repeat(129), ["a"]]) {
      assert.ok(refusal({ [key]: bad }).startsWith(`${key} (node.yaml): ${rule}`), key);
    }
    resolve({ [key]: "Edge-1.eu_west" });
  }
  assert.match(refusal({ "registry.area": "" }), /underscores, current value is ""$/);
  resolve({ "registry.remote.area": "", "registry.node.id": "" });
});

Deno.test("resolveConfig: an unknown key is refused with the likely one", () => {
  assert.match(
    refusal({ "api.prot": 1 }),
    /^api\.prot \(node\.yaml\): unknown key; did you mean api\.port\?$/,
  );
  assert.match(refusal({ database: { url: "x" } }), /^database\.url .*config --example/);
  for (const key of ["constructor", "tostring", "api"]) {
    assert.match(refusal({ [key]: 1 }), /unknown key/);
  }
  assert.match(refusal(JSON.parse('{"__proto__": 1}')), /unknown key/);
});

Deno.test("resolveConfig: keys of the Go node without effect give one warning each", () => {
  const { warnings } = resolve({
    "cache.size": 100,
    "cache.x": 1,
    "tracing.enabled": true,
    loadbalancer: { policy: "x" },
    solver: { interval: 1 },
    storage: { db: { orchestrator: "x" } },
  });
  assert.equal(warnings.length, 6);
  assert.match(warnings[0]!, /^cache\.size \(node\.yaml\) has no effect: /);
});

Deno.test("resolveConfig: keys of the Go node's branches give warnings with their replacements", () => {
  const { warnings } = resolve({
    "cloud": false,
    "cloud.server.url": "http://cloud:1323",
    registry: { ttl: 20 },
    metrics: { port: 2112, bandwidth: { cloud: 1 } },
    scheduler: { cloud: { cost: 0.01 }, local: { budget: 0.01 } },
    solver: { evalinterval: 10, address: "localhost:2500" },
    storage: { version: "flux", address: "a", token: "t", orgname: "o" },
    "docker.cpu": 1,
  });
  assert.equal(warnings.length, 14);
  for (
    const [key, place] of [
      ["metrics.bandwidth.cloud", "policy.bandwidth.cloud"],
      ["scheduler.cloud.cost", "policy.cost"],
      ["scheduler.local.budget", "policy.budget"],
      ["solver.evalinterval", "policy.plan.interval"],
    ]
  ) {
    const warning = `${key} (node.yaml) has no effect: set ${place} instead`;
    assert.ok(warnings.includes(warning), warning);
  }
});

Deno.test("resolveConfig: names and values of the Go node's branches are converted with a warning", () => {
  const { config, warnings } = resolve({
    scheduler: { policy: "localonly", version: "flux" },
    "containers.memory": 2048,
    "offloading": true,
    "cloud-server-url": "http://cloud:1323",
    logging: { level: "debug", file: "log.txt" },
    mab: { policy: "LinUcb" },
  });
  assert.equal(config["scheduler.policy"], "default");
  assert.equal(config["container.pool.memory"], 2048);
  assert.equal(config["mab.policy"], "LinUCB");
  assert.equal(config["log.level"], "info");
  assert.equal(warnings.length, 8);
  assert.ok(warnings.includes("containers.memory (node.yaml) is read as container.pool.memory"));
  assert.ok(warnings.includes('mab.policy (node.yaml): "LinUcb" is read as "LinUCB"'));
  for (
    const [name, meant] of [
      ["customCloudOffload", "edgecloud"],
      ["QoSAwareCloud", "probabilistic"],
      ["QoSAwareEdgeCloud", "probabilistic"],
    ] as const
  ) {
    const { config, warnings } = resolve({ "scheduler.policy": name });
    assert.deepEqual([config["scheduler.policy"], warnings.length], [meant, 1]);
  }
  const both = resolve({ "containers.memory": 1, "container.pool.memory": 512 });
  assert.equal(both.config["container.pool.memory"], 512);
  assert.match(both.warnings[0]!, /is ignored: container\.pool\.memory is set$/);
  assert.deepEqual(resolve({ "mab.policy": "LinUCB" }).warnings, []);
});

Deno.test("an image of a runtime is configured by its id, and by an alias of its own", () => {
  const { config, origins } = resolve({
    "runtimes.python.image": "my/python",
    runtimes: { Python38: { image: "python:3.8" } },
  });
  assert.equal(findRuntime(config, "python")?.image, "my/python");
  assert.equal(findRuntime(config, "python314")?.image, "my/python");
  assert.deepEqual(findRuntime(config, "python38"), {
    id: "python38",
    executor: "python",
    image: "python:3.8",
    generic: 1,
  });
  assert.equal(origins.get("runtimes.python.image"), "node.yaml");
});

Deno.test("a new runtime needs an image and an executor; its id may hold dots", () => {
  const { config } = resolve({
    "runtimes.python3.12.image": "python:3.12",
    "runtimes.python3.12.executor": "python",
  });
  assert.equal(findRuntime(config, "python3.12")?.executor, "python");
  assert.match(refusal({ "runtimes.java.image": "java" }), /needs runtimes\.java\.executor/);
  assert.match(refusal({ "runtimes.java.executor": "http" }), /needs runtimes\.java\.image/);
  const sandboxed = resolve({ "runtimes.js.executor": "deno" }).config;
  assert.deepEqual(findRuntime(sandboxed, "js"), {
    id: "js",
    executor: "deno",
    image: "",
    generic: 0,
  });
});

Deno.test("runtimes.<id>.generic: only the executors python and nodejs support it", () => {
  const generic = (values: Record<string, unknown>, id: string) =>
    findRuntime(resolve(values).config, id)?.generic;
  assert.deepEqual(["python", "nodejs", "custom"].map((id) => generic({}, id)), [1, 1, 0]);
  assert.equal(generic({ "runtimes.python.generic": "3" }, "python314"), 3);
  assert.equal(generic({ "runtimes.python.executor": "http" }, "python"), 0);
  const own = { "runtimes.p312.image": "p", "runtimes.p312.executor": "python" };
  assert.equal(generic(own, "p312"), 1);
  assert.equal(generic({ ...own, "runtimes.p312.generic": 0 }, "p312"), 0);
  assert.match(refusal({ "runtimes.python.generic": 17 }), /an integer from 0 to 16/);
  assert.match(refusal({ "runtimes.deno.generic": 1 }), /executors python and nodejs/);
  assert.equal(generic({ "runtimes.custom.generic": 0 }, "custom"), 0);
  assert.match(refusal({ "runtimes.java.generic": 2 }), /needs runtimes\.java\.image/);
});

Deno.test("resolveConfig: an invalid runtime is refused", () => {
  assert.match(refusal({ "runtimes.python": "x" }), /expected runtimes\.<id>\.image/);
  assert.match(refusal({ "runtimes.python.image": 5 }), /expected a text/);
  assert.match(refusal({ "runtimes.python.executor": "java" }), /expected python, nodejs, http/);
});

Deno.test("resolveConfig: names that every object inherits are not runtimes", () => {
  const { config } = resolveConfig([]);
  assert.equal(findRuntime(config, "constructor"), undefined);
  assert.equal(findRuntime(config, "nope"), undefined);
});

Deno.test("each key has an environment variable of its own", () => {
  assert.equal(environmentName("api.port"), "SERVERLEDGE_API_PORT");
  assert.equal(environmentName("runtimes.python.image"), "SERVERLEDGE_RUNTIMES_PYTHON_IMAGE");
  const names = Object.keys(settings).map(environmentName);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("former keys of generic instances: are accepted with a warning", () => {
  const { config, warnings } = resolve({ "sandbox.spares": 3, "runtimes.python.spares": 2 });
  assert.equal(config["sandbox.generic"], 3);
  assert.equal(findRuntime(config, "python")?.generic, 2);
  assert.equal(warnings.length, 2);
  assert.match(warnings[1]!, /^runtimes\.python\.spares .* is read as runtimes\.python\.generic/);
});

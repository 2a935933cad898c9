/**
 * Services of a node as the HTTP API needs them, for tests of the API: each does the least that is
 * right, and a test replaces what it is about.
 *
 * @module
 */

import { anyone } from "../../../lib/access/principal.ts";
import { functionUnknown } from "../../../lib/model/function.ts";
import { BodyBudget } from "../../../lib/api/body_budget.ts";
import type { ApiServices, Invocation } from "../../../lib/api/services.ts";
import { resolveConfig } from "../../../lib/config/config.ts";
import {
  type InvocationResult,
  reportNames,
  type WireReport,
} from "../../../lib/model/invocation.ts";
import { defaultClass, QosClasses } from "../../../lib/model/qos.ts";
import type { NodeStatus } from "../../../lib/model/status.ts";

/**
 * What a test sends. Not `RequestInit`, whose meaning changes with what else is type-checked: types
 * of Node.js bring another.
 */
export interface TestRequest {
  /** The verb, `GET` if left out. */
  readonly method?: string;
  /** Its headers. */
  readonly headers?: Record<string, string>;
  /** Its body. */
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** What a good invocation reports, as clients get it. */
export const sampleReport: WireReport = {
  Success: true,
  Result: '{"sum": 3}',
  ResponseTime: 0.002,
  IsWarmStart: true,
  InitTime: 0.0005,
  QueueingTime: 0,
  OffloadLatency: 0,
  Duration: 0.001,
  Output: "",
  ExecutionArea: "ROME",
  ExecutionNode: "node1",
  StartTier: "warm",
};

/** Its result inside the node. */
export const sampleResult: InvocationResult = { report: reportNames.fromWire(sampleReport) };

const sampleStatus: NodeStatus = {
  availableWarmContainers: { hello: 1 },
  totalMemoryMib: 1024,
  availableMemoryMib: 896,
  freeMemoryMib: 768,
  totalCpu: 2,
  usedCpu: 0.5,
  coordinates: { vector: [0, 0, 0], error: 1, height: 0 },
  loadAvg: [0.1, 0.2, 0.3],
  lastUpdateS: 1_700_000_000,
  node: "node1",
  area: "ROME",
  architecture: "amd64",
  version: "0.1.0",
  uptimeS: 12,
  functions: 1,
  instances: [{ functionName: "hello", starting: 0, busy: 1, idle: 1 }],
  queueLength: 0,
  running: 1,
  registry: { kind: "embedded", ok: true },
  runtimes: [{ runtime: "python", ok: true }],
  engine: { ok: true },
  problems: [],
  pulls: [],
  missingImages: [],
  genericInstances: {},
  spares: {},
};

/**
 * Makes fake services. They know one function, `hello`.
 *
 * @param overrides what the test is about
 * @param config values of the configuration
 */
export function fakeServices(
  overrides: Partial<ApiServices> = {},
  config: Readonly<Record<string, unknown>> = {},
): ApiServices {
  const check = (name: string) => {
    if (name !== "hello") throw functionUnknown(name);
  };
  return {
    config: resolveConfig([{ origin: "test", values: config }]).config,
    access: { authenticate: () => anyone, isRequired: false },
    keys: {
      list: () => [],
      damaged: () => [],
      create: ({ name }) => Promise.resolve({ name, id: "k".repeat(12), key: "sl_key" }),
      rotate: (name) => Promise.resolve({ name, id: "k".repeat(12), key: "sl_key" }),
      revoke: () => Promise.resolve(),
    },
    classes: new QosClasses([{ ...defaultClass, name: "critical", id: 1 }]),
    secrets: {
      list: () => Promise.resolve([]),
      set: () => Promise.resolve(),
      delete: () => Promise.resolve(),
      requireUsable: () => {},
    },
    rotateSecrets: () => Promise.resolve({ keyId: "0123456789ab", secrets: 0 }),
    imageLogins: () => [],
    logIn: () => Promise.resolve(),
    logOut: () => Promise.resolve(),
    bodies: new BodyBudget(1 << 30),
    node: { id: "node1", area: "ROME", architecture: "amd64", version: "0.1.0" },
    free: () => ({ memoryMib: 896, cpu: 1.5 }),
    admit(name) {
      check(name);
      return { memoryMib: 128 };
    },
    invoke(name) {
      check(name);
      return invocationOf(Promise.resolve(sampleResult));
    },
    accept(name) {
      check(name);
      return Promise.resolve(`${name}-1`);
    },
    poll: () => Promise.resolve(undefined),
    create: () => Promise.resolve(),
    update: () => Promise.resolve(),
    patch: () => Promise.resolve(),
    async *followLogs() {},
    remove: (name) => Promise.try(check, name),
    functions: () => [],
    prewarm: (name, count) => Promise.try(check, name).then(() => count),
    images: () => Promise.resolve([]),
    pullImages: (names) => Promise.resolve({ pulled: [...names], present: [] }),
    pruneImages: ({ dryRun }) => Promise.resolve({ dryRun, removed: [], kept: [] }),
    status: () => sampleStatus,
    policy: () => ({ name: "default", estimates: undefined, decisions: [] }),
    members: () => [],
    backUp: () => Promise.resolve(new Blob(["backup"]).stream()),
    metrics: () => "up 1\n",
    logs: (name) => Promise.try(check, name).then(() => []),
    health: () => ({ ok: true, problems: [] }),
    ...overrides,
  };
}

/**
 * An invocation that ends as a promise does.
 *
 * @param done how it ends
 * @param cancel what happens when the client leaves
 */
export function invocationOf(done: Promise<InvocationResult>, cancel = () => {}): Invocation {
  return { id: "hello-1", done, cancel };
}

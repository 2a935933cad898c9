/**
 * The balancer of a region under test, over fake nodes, with a registry that the test plays.
 *
 * @module
 */

import { serveApi } from "../../lib/api/server.ts";
import { Balancer } from "../../lib/balancer/balancer.ts";
import { anyone } from "../../lib/access/principal.ts";
import { systemClock } from "../../lib/base/clock.ts";
import type { ClusterAuth } from "../../lib/cluster/trust/cluster_auth.ts";
import { resolveConfig } from "../../lib/config/config.ts";
import type { FunctionRecord } from "../../lib/model/function.ts";
import type { NodeRecord } from "../../lib/model/node.ts";
import type { NodeObserver } from "../../lib/registry/registry.ts";
import { type Behaviour, FakeNode } from "./fakes/fake_node.ts";

/** A balancer that is listening, and its registry, which a test plays. */
export interface Region extends AsyncDisposable {
  readonly url: string;
  readonly balancer: Balancer;
  readonly members: NodeObserver;
}

/** What it is started with. */
export interface RegionOptions {
  readonly nodes?: readonly { readonly record: NodeRecord }[];
  readonly functions?: readonly FunctionRecord[];
  readonly config?: Readonly<Record<string, unknown>>;
  /** The cluster's secret, as the balancer has it. */
  readonly auth?: ClusterAuth;
}

/** Starts a balancer; its nodes are those given, until the test says otherwise. */
export async function region(
  { nodes = [], functions = [], config = {}, auth }: RegionOptions,
): Promise<Region> {
  await using stack = new AsyncDisposableStack();
  let members: NodeObserver | undefined;
  const balancer = stack.use(
    await Balancer.open({
      config: resolveConfig([{
        origin: "test",
        values: { "lb.health.interval": 0.1, ...config },
      }]).config,
      node: { id: "lb-1", area: "CLOUD", version: "0" },
      access: { authenticate: () => anyone, isRequired: false },
      clock: systemClock,
      auth,
      random: () => 0,
      registry: {
        description: "of the test",
        health: () => ({ ok: true }),
        watchNodes(observer) {
          members = observer;
          observer.reset(nodes.map(({ record }) => record));
          return Promise.resolve({ [Symbol.dispose]: () => {} });
        },
      },
      catalog: {
        size: functions.length,
        get: (name) => functions.find((record) => record.name === name),
        onChange: () => ({ [Symbol.dispose]() {} }),
      },
    }),
  );
  const server = stack.use(serveApi(balancer.handle, { hostname: "127.0.0.1", port: 0 }));
  const owned = stack.move();
  return {
    url: server.url,
    balancer,
    members: members!,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Three fake nodes that behave alike. */
export const three = (behaviour?: Behaviour) =>
  ["a", "b", "c"].map((id) => new FakeNode(id, behaviour));

/** Ends fake nodes. */
export async function closing(nodes: readonly FakeNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
}

// deno-lint-ignore no-explicit-any -- what a test looks at, it knows
export type Body = any;

/** Invokes a function. */
export async function invoke(
  { url }: Pick<Region, "url">,
  name = "f",
  init: RequestInit = {},
): Promise<{ status: number; headers: Headers; body: Body }> {
  const answer = await fetch(`${url}/invoke/${name}`, { method: "POST", ...init });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** The node that served an answer. */
export const servedBy = ({ body }: { body: Body }): string => body.ExecutionNode;

/** The nodes as the balancer sees them. */
export async function targets({ url }: Region): Promise<Body[]> {
  return (await (await fetch(`${url}/status`)).json()).Targets;
}

/** A registration, for programs that are no fake nodes. */
export const exampleRecord: NodeRecord = {
  id: "a",
  area: "CLOUD",
  role: "node",
  url: "http://127.0.0.1:1",
  udp: "",
  architecture: "amd64",
  incarnation: "1",
};

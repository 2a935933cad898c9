/**
 * What the HTTP API needs of the node. The API holds no logic: it reads requests, asks these
 * services, and writes answers.
 *
 * @module
 */

import type { BodyBudget } from "./body_budget.ts";
import type { ReserveMemory } from "../base/reserve_memory.ts";
import type { MemberView } from "../cluster/members.ts";
import type { Config } from "../config/config.ts";
import type { Definition, FunctionRecord } from "../model/function.ts";
import type { Origin } from "../model/hop.ts";
import type { ImageView, PrunedImages, PulledImages } from "../images/status.ts";
import type { InvocationResult, InvokeRequest } from "../model/invocation.ts";
import type { NodeStatus } from "../model/status.ts";
import type { Explanation } from "../policy/contract.ts";
import type { AsyncResult } from "../registry/registry.ts";

/** One request under way. */
export interface Invocation {
  /** Its unguessable id, `<function>-<random>`. */
  readonly id: string;
  /**
   * Settles once. Rejects with a `ServerledgeError`; for `FUNCTION_ERROR` its details hold `error`
   * (`{ type, message }`), `traceback` and `output`.
   */
  readonly done: Promise<InvocationResult>;
  /** The client has left: stop waiting, or interrupt the function. Harmless once done. */
  cancel(): void;
}

/** The services of a node, as its API sees them. */
export interface ApiServices {
  /** The node's configuration. */
  readonly config: Config;
  /** Memory for the bodies of requests. */
  readonly bodies: BodyBudget;
  readonly node: {
    readonly id: string;
    readonly area: string;
    /** `amd64` or `arm64`. */
    readonly architecture: string;
    /** Version of the program. */
    readonly version: string;
  };
  /** Memory and CPU left, for the response headers of an invocation; cheap. */
  free(): { memoryMib: number; cpu: number };
  /**
   * Whether the function can be invoked, as far as is known before a body is read.
   *
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`
   */
  admit(name: string): void;
  /**
   * Starts an invocation.
   *
   * @param origin where it comes from; what it holds is given back with the answer, unless this throws
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`, `FORBIDDEN` where its data must not be here
   */
  invoke(name: string, request: InvokeRequest, origin?: Origin): Invocation;
  /** Accepts an async invocation durably. @returns its id @throws as `invoke`, or `REGISTRY_UNAVAILABLE` */
  accept(name: string, request: InvokeRequest, origin?: Origin): Promise<string>;
  /** What is known of an async invocation. @throws `REGISTRY_UNAVAILABLE` */
  poll(id: string, reserve: ReserveMemory): Promise<AsyncResult | undefined>;
  /** Registers a function. @throws `FUNCTION_EXISTS`, `RUNTIME_UNKNOWN`, `UNPROCESSABLE`, ... */
  create(definition: Definition, reserve: ReserveMemory): Promise<void>;
  /** Registers or replaces a function. */
  update(definition: Definition, reserve: ReserveMemory): Promise<void>;
  /** Changes what is named of a function. @throws `FUNCTION_UNKNOWN`, and as `create` */
  patch(name: string, changes: unknown, reserve: ReserveMemory): Promise<void>;
  /** Removes a function. @throws `FUNCTION_UNKNOWN` */
  remove(name: string): Promise<void>;
  /** All functions, sorted by name. */
  functions(): FunctionRecord[];
  /** Starts idle instances. @returns how many, maybe fewer than asked for where resources lack */
  prewarm(name: string, count: number, options: { refresh: boolean }): Promise<number>;
  /** What the node is doing. */
  status(): NodeStatus;
  /** The scheduling policy, its last decisions, and what it has learned if it does. */
  policy(): {
    readonly name: string;
    readonly estimates: Explanation["estimates"] | undefined;
    readonly decisions: Explanation["decisions"];
  };
  /** Members of the cluster, this one first; none where the node is alone. */
  members(): MemberView[];
  /** Images that the node needs, and those it needs no more, by name. @throws `ENGINE_UNAVAILABLE` */
  images(): Promise<ImageView[]>;
  /**
   * Fetches images.
   *
   * @param names which; none: all that are needed and missing
   * @throws `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED` if one cannot be fetched
   */
  pullImages(names: readonly string[], options: { refresh: boolean }): Promise<PulledImages>;
  /** Removes images that nothing needs any more. @throws `ENGINE_UNAVAILABLE` */
  pruneImages(options: { dryRun: boolean; unpublished: boolean }): Promise<PrunedImages>;
  /** Prometheus text format. */
  metrics(): string;
  /** The last lines that instances and invocations of a function wrote, oldest first. */
  logs(name: string, lines: number): Promise<string[]>;
  /**
   * The same, and then what is written from now on, until the function is deleted, the node stops or
   * the signal is aborted.
   *
   * @throws `FUNCTION_UNKNOWN`, `NODE_SATURATED` if too many follow
   */
  followLogs(name: string, lines: number, signal: AbortSignal): AsyncGenerator<string[]>;
  /**
   * Whether the node can serve anything at all (`ok`), and what is wrong. Problems do not make it
   * not ok: without a registry or an engine, known functions with warm instances go on.
   */
  health(): { ok: boolean; problems: string[] };
}

/**
 * Services of the node that the HTTP API uses. The API contains no logic: it reads requests, calls
 * these services, and writes responses.
 *
 * @module
 */

import type { Authenticator } from "../access/authenticator.ts";
import type { KeyService } from "../access/key_service.ts";
import type { AuditTrail } from "./audit_trail.ts";
import type { BodyBudget } from "./body_budget.ts";
import type { ReserveMemory } from "../base/reserve_memory.ts";
import type { MemberView } from "../cluster/members.ts";
import type { Config } from "../config/config.ts";
import type { Definition, FunctionRecord } from "../model/function.ts";
import type { Origin } from "../model/hop.ts";
import type { ImageView, PrunedImages, PulledImages } from "../images/status.ts";
import type { InvocationResult, InvokeRequest } from "../model/invocation.ts";
import type { QosClasses } from "../model/qos.ts";
import type { NodeStatus } from "../model/status.ts";
import type { Explanation } from "../policy/contract.ts";
import type { AuthorizeChange } from "../registry/functions.ts";
import type { AsyncResult } from "../registry/registry.ts";
import type { LoginRecord, RegistryAuth } from "../secrets/image_logins.ts";
import type { Rotation, SecretService } from "../secrets/secret_service.ts";

/** Invocation in progress. */
export interface Invocation {
  /** Unguessable id, `<function>-<random>`. */
  readonly id: string;
  /**
   * Result. Rejects with a `ServerledgeError`; the details of `FUNCTION_ERROR` contain `error`
   * (`{ type, message }`), `traceback` and `output`.
   */
  readonly done: Promise<InvocationResult>;
  /** Cancels a waiting invocation or interrupts the function. Has no effect after the end. */
  cancel(): void;
}

/** Returns whether a client may know of functions of a name. */
export type ShowsFunction = (functionName: string) => boolean;

/** Credentials of an image registry. */
export type Credentials = Pick<RegistryAuth, "username" | "password">;

/** Services of a node that its API uses. */
export interface ApiServices {
  /** Configuration of the node. */
  readonly config: Config;
  /** Finds out who makes a request. */
  readonly access: Authenticator;
  /** Records requests. */
  readonly audit?: AuditTrail | undefined;
  /** Keys of the node or its cluster. */
  readonly keys: Pick<KeyService, "list" | "damaged" | "create" | "rotate" | "revoke">;
  /** QoS classes of this node. */
  readonly classes: QosClasses;
  /** Secrets of the node or its cluster. */
  readonly secrets: Pick<SecretService, "list" | "set" | "delete" | "requireUsable">;
  /** Encrypts secrets and logins with the current key, which every node must have. */
  rotateSecrets(): Promise<Rotation>;
  /** Returns the logins to image registries, without passwords. */
  imageLogins(): LoginRecord[];
  /** Verifies and stores credentials of an image registry. @throws `ENGINE_REFUSED` if they are wrong, ... */
  logIn(registry: string, credentials: Credentials): Promise<void>;
  /** Forgets credentials of an image registry. @throws `SECRET_UNKNOWN`, `REGISTRY_UNAVAILABLE` */
  logOut(registry: string): Promise<void>;
  /** Budget for the memory of bodies and results. */
  readonly bodies: BodyBudget;
  readonly node: {
    readonly id: string;
    readonly area: string;
    /** `amd64` or `arm64`. */
    readonly architecture: string;
    /** Version of the program. */
    readonly version: string;
  };
  /** Returns free memory and CPU for the response headers of an invocation; fast. */
  free(): { memoryMib: number; cpu: number };
  /**
   * Checks whether the function can be invoked, before the body is read.
   *
   * @returns the function
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`
   */
  admit(name: string): Pick<FunctionRecord, "memoryMib">;
  /**
   * Starts an invocation.
   *
   * @param origin origin of the request; its reservation is released with the response, unless this throws
   * @throws `FUNCTION_UNKNOWN`, `SHUTTING_DOWN`, `FORBIDDEN` if its data must not be on this node
   */
  invoke(name: string, request: InvokeRequest, origin?: Origin): Invocation;
  /** Stores an async invocation. @returns its id @throws the errors of `invoke`, `REGISTRY_UNAVAILABLE` */
  accept(name: string, request: InvokeRequest, origin?: Origin): Promise<string>;
  /** Returns the state of an async invocation. @throws `REGISTRY_UNAVAILABLE` */
  poll(id: string, reserve: ReserveMemory): Promise<AsyncResult | undefined>;
  /** Registers a function. @throws `FUNCTION_EXISTS`, `RUNTIME_UNKNOWN`, `UNPROCESSABLE`, ... */
  create(definition: Definition, reserve: ReserveMemory): Promise<void>;
  /** Registers or replaces a function. */
  update(definition: Definition, reserve: ReserveMemory): Promise<void>;
  /**
   * Changes the given fields of a function.
   *
   * @param authorize throws if the client may not make the change
   * @throws `FUNCTION_UNKNOWN`, and the errors of `create`
   */
  patch(
    name: string,
    changes: unknown,
    authorize: AuthorizeChange,
    reserve: ReserveMemory,
  ): Promise<void>;
  /** Removes a function. @throws `FUNCTION_UNKNOWN` */
  remove(name: string): Promise<void>;
  /** Returns all functions, sorted by name. */
  functions(): FunctionRecord[];
  /** Starts idle instances. @returns their number, which may be smaller if resources are insufficient */
  prewarm(name: string, count: number, options: { refresh: boolean }): Promise<number>;
  /**
   * Returns the status of the node.
   *
   * @param shows whether the client may know of a function, of all of them for `*`
   */
  status(shows: ShowsFunction): NodeStatus;
  /** Returns the scheduling policy, its last decisions, and its estimates if it learns. */
  policy(): {
    readonly name: string;
    readonly estimates: Explanation["estimates"] | undefined;
    readonly decisions: Explanation["decisions"];
  };
  /** Returns the members of the cluster, this node first; empty without a cluster. */
  members(): MemberView[];
  /** Returns the images that the node needs or no longer needs, by name. @throws `ENGINE_UNAVAILABLE` */
  images(): Promise<ImageView[]>;
  /**
   * Fetches images.
   *
   * @param names names of images; empty: all images that are needed and missing
   * @throws `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED` if an image cannot be fetched
   */
  pullImages(names: readonly string[], options: { refresh: boolean }): Promise<PulledImages>;
  /** Removes images that are no longer needed. @throws `ENGINE_UNAVAILABLE` */
  pruneImages(options: { dryRun: boolean; unpublished: boolean }): Promise<PrunedImages>;
  /**
   * Copies the embedded registry.
   *
   * @throws `UNPROCESSABLE` if the registry is etcd, `NODE_SATURATED`, `REGISTRY_UNAVAILABLE`
   */
  backUp(): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** Returns the metrics in Prometheus text format. */
  metrics(): string;
  /** Returns the last lines that instances and invocations of a function wrote, oldest first. */
  logs(name: string, lines: number): Promise<string[]>;
  /**
   * Yields the same lines, followed by new ones, until the function is deleted, the node stops or
   * the signal is aborted.
   *
   * @throws `FUNCTION_UNKNOWN`, `NODE_SATURATED` if too many clients follow logs
   */
  followLogs(name: string, lines: number, signal: AbortSignal): AsyncGenerator<string[]>;
  /**
   * Returns whether the node can serve any request (`ok`), and its problems. `ok` may be true despite
   * problems: without a registry or an engine, functions with warm instances still run.
   *
   * @param shows whether the client may know of a function
   */
  health(shows: ShowsFunction): { ok: boolean; problems: string[] };
}

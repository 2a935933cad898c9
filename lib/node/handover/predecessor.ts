/**
 * The former process of a node, from which this process takes over without a lost request.
 *
 * @module
 */

import { pause } from "../../base/async.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import { version } from "../../base/version.ts";
import type { SharedPorts } from "../../api/server.ts";
import { type Endpoint, Link, type Message, protocolVersion } from "./link.ts";

/** Longest wait for a node that cannot hand over yet, and the interval of attempts, ms. */
const maxWaitMs = 120_000;
const retryMs = 250;

const log = logger("node");

/** The former process of this node, which is still running. */
export class Predecessor implements Disposable {
  /**
   * Resolves when it has ended. What it left behind may be removed then. Never resolves if this process ends
   * the handover.
   */
  readonly gone: Promise<void>;
  /** The node's id. */
  readonly nodeId: string;
  /** Number of its instances of each function. */
  readonly instances: Readonly<Record<string, number>>;
  /** The ports that it lets this process share. */
  readonly ports: SharedPorts;
  readonly #link: Link;
  #isGone = false;
  #isOver = false;

  private constructor(link: Link, { nodeId, instances, plain, tls }: Message & { type: "ports" }) {
    this.#link = link;
    this.nodeId = nodeId;
    this.instances = instances;
    this.ports = { plain, tls };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    void this.#listen().then(() => {
      if (this.#isOver) return;
      this.#isGone = true;
      resolve();
    });
  }

  /**
   * Asks the process that uses a data folder to hand over.
   *
   * @param socket path of its socket
   * @returns undefined if there is no such process
   * @throws `CONFIG_INVALID` if it refuses
   */
  static async ask(socket: string): Promise<Predecessor | undefined> {
    const end = performance.now() + maxWaitMs;
    for (let isFirst = true;; isFirst = false) {
      const found = await Predecessor.#askOnce(socket);
      if (!found || found instanceof Predecessor) return found;
      if (!found.isBrief || performance.now() > end) throw cannotTakeOver(found.reason);
      if (isFirst) log.info("Waiting to take over: {reason}", { reason: found.reason });
      await pause(retryMs);
    }
  }

  static async #askOnce(
    socket: string,
  ): Promise<Predecessor | { reason: string; isBrief: boolean } | undefined> {
    const conn = await Deno.connect({ transport: "unix", path: socket }).catch(() => undefined);
    if (!conn) return undefined;
    const link = new Link(conn);
    void link.send({ type: "hello", protocol: protocolVersion, version });
    const reply = await link.next();
    if (reply?.type === "ports" && reply.protocol === protocolVersion && reply.uid === Deno.uid()) {
      log.info("Taking over from the running node, version {version}", { version: reply.version });
      return new Predecessor(link, reply);
    }
    link[Symbol.dispose]();
    return { reason: whyNot(reply), isBrief: reply?.type === "refused" && reply.isBrief };
  }

  /** True once it has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * Tells the process that this one serves requests.
   *
   * @param endpoint where this process accepts requests that still reach the former one
   */
  takeOver(endpoint: Endpoint): void {
    void this.#link.send({ type: "takeOver", endpoint });
  }

  /** Ends the handover. The former process goes on if it was not completed. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#link[Symbol.dispose]();
  }

  async #listen(): Promise<void> {
    while (await this.#link.next());
  }
}

function cannotTakeOver(reason: string): ServerledgeError {
  return new ServerledgeError(
    "CONFIG_INVALID",
    `The running node cannot hand over to this program: ${reason}; try again, or stop the node and ` +
      "start this program without --replace",
  );
}

function whyNot(reply: Message | undefined): string {
  if (reply?.type === "refused") return reply.reason;
  if (reply?.type !== "ports") return "it does not respond";
  // Users cannot share a port.
  if (reply.uid !== Deno.uid()) return `it runs as another user, whose id is ${reply.uid}`;
  return `its version ${reply.version} uses another protocol for it`;
}

/**
 * The former process of a node, from which this process takes over without a lost request.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { logger } from "../../base/log.ts";
import { version } from "../../base/version.ts";
import type { SharedPorts } from "../../api/server.ts";
import { type Endpoint, Link, type Message, protocolVersion } from "./link.ts";

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
  #isOver = false;

  private constructor(link: Link, { nodeId, instances, plain, tls }: Message & { type: "ports" }) {
    this.#link = link;
    this.nodeId = nodeId;
    this.instances = instances;
    this.ports = { plain, tls };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    void this.#listen().then(() => this.#isOver || resolve());
  }

  /**
   * Asks the process that uses a data folder to hand over.
   *
   * @param socket path of its socket
   * @returns undefined if there is no such process
   * @throws `CONFIG_INVALID` if it refuses
   */
  static async ask(socket: string): Promise<Predecessor | undefined> {
    const conn = await Deno.connect({ transport: "unix", path: socket }).catch(() => undefined);
    if (!conn) return undefined;
    const link = new Link(conn);
    link.send({ type: "hello", protocol: protocolVersion, version });
    const reply = await link.next();
    if (reply?.type === "ports" && reply.protocol === protocolVersion && reply.uid === Deno.uid()) {
      log.info("Taking over from the running node, version {version}", { version: reply.version });
      return new Predecessor(link, reply);
    }
    link[Symbol.dispose]();
    throw new ServerledgeError(
      "CONFIG_INVALID",
      `The running node cannot hand over to this program: ${whyNot(reply)}; stop it, and start ` +
        "this program without --replace",
    );
  }

  /**
   * Tells the process that this one serves requests.
   *
   * @param endpoint where this process accepts requests that still reach the former one
   */
  takeOver(endpoint: Endpoint): void {
    this.#link.send({ type: "takeOver", endpoint });
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

function whyNot(reply: Message | undefined): string {
  if (reply?.type === "refused") return reply.reason;
  if (reply?.type !== "ports") return "it does not respond";
  // Users cannot share a port.
  if (reply.uid !== Deno.uid()) return `it runs as another user, whose id is ${reply.uid}`;
  return `its version ${reply.version} uses another protocol for it`;
}

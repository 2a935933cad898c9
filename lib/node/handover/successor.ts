/**
 * Handover to the next process of a node without a lost request: this process shares its ports, passes on the
 * requests that still reach it, completes its own, and ends.
 *
 * @module
 */

import { join } from "node:path";
import type { ApiServer } from "../../api/server.ts";
import { dataDirectory } from "../../cluster/home.ts";
import type { Config } from "../../config/config.ts";
import { randomId } from "../../base/ids.ts";
import { logger } from "../../base/log.ts";
import { version } from "../../base/version.ts";
import { Libc } from "../../http/server/libc.ts";
import type { HttpHandler } from "../../http/server/messages.ts";
import { Forwarder } from "./forwarding.ts";
import { Link, protocolVersion } from "./link.ts";

const log = logger("node");

/** Returns the path of the socket at which a node's process waits for its successor. */
export function handoverSocket(config: Config): string {
  return join(dataDirectory(config["data.dir"]), "handover.sock");
}

/** Why there can be no handover. */
export interface Refusal {
  readonly reason: string;
  /** True if a process that wants to take over should wait. */
  readonly isBrief: boolean;
}

/** Refusal of a second successor. */
const taken: Refusal = { reason: "another process is taking over already", isBrief: false };

/** What a process hands over. */
export interface HandoverOptions {
  readonly nodeId: string;
  /** Path of the socket at which it waits for its successor. */
  readonly socket: string;
  /** Returns the number of its instances of each function. */
  readonly instances: () => Readonly<Record<string, number>>;
  /** Addresses on which it listens. */
  readonly addresses: ApiServer["addresses"];
  /** Its address for datagrams, if it has one. */
  readonly datagrams: () => Deno.Addr | undefined;
  /** Called when another process of the node starts to share its resources, and when it has given up. */
  readonly share: (isShared: boolean) => void;
  /** Why there can be no handover now, and whether there can soon; undefined if there can. */
  readonly refusal: () => Refusal | undefined;
  /**
   * Called once when the successor serves requests.
   *
   * @param passOn handles all further requests
   */
  readonly replaced: (passOn: HttpHandler) => void;
}

/** Waits for the successor of this process. Disposing it ends a handover that is not complete. */
export class Handover implements Disposable {
  readonly #options: HandoverOptions;
  readonly #listener: Deno.UnixListener;
  readonly #owned = new DisposableStack();
  #link: Link | undefined;
  #isReplaced = false;

  private constructor(options: HandoverOptions, listener: Deno.UnixListener) {
    this.#options = options;
    this.#listener = listener;
    void this.#accept();
  }

  /** Starts to wait. @throws if the socket cannot be created */
  static open(options: HandoverOptions): Handover {
    const { socket } = options;
    // Deno removes the file of a listener that it closes, by its first name: by then, the file that has the
    // name may be the successor's. An existing one is of a former process.
    const unnamed = `${socket}.${randomId(8)}`;
    const listener = Deno.listen({ transport: "unix", path: unnamed });
    Deno.renameSync(unnamed, socket);
    return new Handover(options, listener);
  }

  /** True once the successor serves requests. */
  get isReplaced(): boolean {
    return this.#isReplaced;
  }

  /** Closes the socket. The end of this process tells its successor that nothing of it is in use any more. */
  [Symbol.dispose](): void {
    this.#stopListening();
    if (!this.#isReplaced) this.#link?.[Symbol.dispose]();
    this.#owned.dispose();
  }

  async #accept(): Promise<void> {
    try {
      for (;;) void this.#serve(new Link(await this.#listener.accept()));
    } catch {
      // It was closed.
    }
  }

  async #serve(link: Link): Promise<void> {
    using connection = link;
    const { nodeId, instances, addresses, datagrams, refusal, share } = this.#options;
    const hello = await connection.next();
    if (hello?.type !== "hello") return;
    const refused = this.#link ? taken : refusal();
    if (refused) return await connection.send({ type: "refused", ...refused });
    this.#link = connection;
    share(true);
    try {
      const { plain, tls } = addresses;
      const udp = datagrams();
      new Libc().offer([plain, tls, udp].filter((address) => address !== undefined));
      await connection.send({
        type: "ports",
        protocol: protocolVersion,
        version,
        nodeId,
        uid: Deno.uid(),
        instances: instances(),
        plain,
        tls,
      });
      const next = await connection.next();
      if (next?.type === "takeOver") return await this.#replaced(new Forwarder(next.endpoint));
      share(false);
      log.warn("The process that was to take over has ended; this one goes on");
    } catch (error) {
      share(false);
      const reason = (error as Error).message;
      await connection.send({ type: "refused", reason, isBrief: false });
    } finally {
      this.#link = undefined;
    }
  }

  /** Keeps the connection until this process or its successor ends. */
  async #replaced(client: Forwarder): Promise<void> {
    this.#owned.use(client);
    this.#isReplaced = true;
    this.#stopListening();
    this.#options.replaced(client.handle);
    while (await this.#link?.next());
  }

  #stopListening(): void {
    try {
      this.#listener.close();
    } catch {
      // It was closed before.
    }
    // The successor has a socket of its own there by now.
    if (!this.#isReplaced) removeQuietly(this.#options.socket);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It does not exist.
  }
}

/**
 * Fence between the containers of a network and their machine. A container on the network of the machine
 * puts up a table of the kernel's firewall (`table.ts`) and keeps it in place (`../native/fence.c`). This
 * works the same for root and for a user of the group `docker`.
 *
 * @module
 */

import { pause, withTimeout } from "../../../base/async.ts";
import { BackOff } from "../../../base/back_off.ts";
import { closeQuietly } from "../../../base/close.ts";
import { ServerledgeError } from "../../../base/errors.ts";
import type { Container } from "../container/container.ts";
import { fenceOptions } from "../container/options.ts";
import type { Engine } from "../engine/engine.ts";
import type { ExecutorMount, ExecutorMounts } from "../executor_mounts.ts";
import { startPauseContainer } from "../pause/container.ts";
import { type FenceRules, installation, removal } from "./table.ts";

/** Time limits for the table to be in place, and for its removal, ms. */
const installTimeoutMs = 10_000;
const removeTimeoutMs = 5_000;
/** First and longest wait between two attempts to connect, ms. */
const minProbeMs = 5;
const maxProbeMs = 100;
/** Error number of the kernel: EPERM. */
const notPermitted = 1;
/** Exit statuses of the program that are not the kernel's error numbers (`../native/fence.c`). */
const tooLong = 202;
const failures = new Map([[200, "create its socket"], [201, "read its files"]]);

/** Dependencies of a fence. */
export interface FenceContext {
  /** The Docker engine. */
  readonly engine: Engine;
  /** Node that owns the container. */
  readonly nodeId: string;
  /** Creates the folder with the program. */
  readonly mounts: ExecutorMounts;
  /** Containers of fences, which sweeps exclude. */
  readonly known: Map<string, Container>;
}

/** Fence that is in place. Disposing it removes the table and the container. */
export class Fence implements AsyncDisposable {
  /** Resolves when the container has ended. The table then stays as it is. */
  readonly ended: Promise<void>;
  readonly #container: Container;
  readonly #cleanup: AsyncDisposableStack;

  private constructor(
    container: Container,
    ended: Promise<void>,
    cleanup: AsyncDisposableStack,
  ) {
    this.#container = container;
    this.ended = ended;
    this.#cleanup = cleanup;
  }

  /**
   * Puts up a fence. A table of this name that exists is replaced.
   *
   * @throws `ENGINE_UNAVAILABLE` or `ENGINE_REFUSED`; `INSTANCE_START_FAILED` if the kernel refuses the table
   */
  static async start(context: FenceContext, rules: FenceRules): Promise<Fence> {
    const { engine, nodeId, mounts, known } = context;
    const { architecture, rootless } = await engine.facts();
    // Its network is not the machine's: what it forwards comes from a process of the machine.
    if (rootless) throw unfenced("Docker runs without root privileges");
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(
      mounts.forFence(architecture, {
        install: installation(rules),
        remove: removal(rules.table),
      }),
    );
    const options = fenceOptions(nodeId, folder.path, rules.table);
    const container = await startPauseContainer(engine, known, "fence", options);
    stack.defer(async () => {
      await container[Symbol.asyncDispose]();
      known.delete(container.name);
    });
    const conn = await connected(container, folder);
    stack.defer(() => closeQuietly(conn));
    // The program sends nothing: the connection lasts as long as the program.
    const ended = conn.read(new Uint8Array(1)).then(() => {}, () => {});
    return new Fence(container, ended, stack.move());
  }

  /** Removes the container and leaves the table, which then stays until a fence of its name is removed. */
  async leave(): Promise<void> {
    await this.#cleanup.disposeAsync();
  }

  /** Removes the table and the container. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#container.signal("SIGTERM").catch(() => {});
    await withTimeout(this.ended, removeTimeoutMs);
    await this.leave();
  }
}

/** Waits until the program listens, which it does when the table is in place. */
async function connected(container: Container, folder: ExecutorMount): Promise<Deno.UnixConn> {
  const end = performance.now() + installTimeoutMs;
  const backOff = new BackOff(minProbeMs, maxProbeMs);
  const exits: (number | undefined)[] = [];
  void container.exited().then(({ code }) => exits.push(code));
  for (;;) {
    try {
      return await Deno.connect({ transport: "unix", path: folder.socket });
    } catch (error) {
      if (exits.length > 0) throw unfenced(reasonOf(exits[0], folder.path));
      if (performance.now() > end) {
        throw unfenced("the firewall's table was not ready within 10 s", error);
      }
    }
    await pause(backOff.failed());
  }
}

/**
 * Returns why the program of a fence has ended.
 *
 * @param status exit status: the kernel's error number (errno(3)), or one of {@link failures}
 * @param folder folder of the program on this machine
 */
export function reasonOf(status: number | undefined, folder: string): string {
  const failure = failures.get(status ?? 0);
  if (failure) {
    return `the fence's program cannot ${failure} in ${folder}; SELinux or AppArmor may forbid it`;
  }
  if (status === tooLong) return "the table has too many rules; shorten container.reach";
  return status === notPermitted
    ? "the kernel does not let Docker's containers change the firewall, even with CAP_NET_ADMIN"
    : `the kernel rejects the firewall table with error ${status}: it needs nf_tables and ` +
      "nft_fib_inet (try modprobe)";
}

function unfenced(reason: string, cause?: unknown): ServerledgeError {
  return new ServerledgeError(
    "INSTANCE_START_FAILED",
    `Cannot protect this machine from functions with Network "bridge": ${reason}. Fix ` +
      "this, or set container.fence to none to let these functions reach every service of " +
      "this machine",
    { cause },
  );
}

/**
 * A real etcd of one's own, on free ports and a temporary folder.
 *
 * @module
 */

import { eventually } from "./eventually.ts";
import { freePort } from "./network/free_port.ts";
import { tempDir } from "./temp_dir.ts";

/** A running etcd, removed with its data when it is disposed. */
export interface TestEtcd extends AsyncDisposable {
  /** Where clients connect, `host:port`. */
  readonly endpoint: string;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Holds it without closing its connections, as an overloaded machine does. */
  freeze(): void;
  /** Lets a held one go on. */
  thaw(): void;
  /**
   * Starts a killed one again on the same port.
   *
   * @param options.wipe true to lose its data
   */
  restart(options?: { wipe?: boolean }): Promise<void>;
  /**
   * Runs `etcdctl` on it.
   *
   * @returns what it printed
   */
  ctl(...args: string[]): Promise<string>;
}

/** What an etcd under test is started with. */
export interface TestEtcdOptions {
  /** Further flags of etcd. */
  readonly flags?: readonly string[];
  /** Flags of `etcdctl` that it then needs. */
  readonly ctlFlags?: readonly string[];
  /** `http` or `https`. */
  readonly scheme?: "http" | "https";
  /** Its place among the members of a cluster, which become ready together; without it: it is alone. */
  readonly member?: { readonly peers: readonly string[]; readonly at: number };
}

/** Longest run of `etcdctl`, ms. */
const ctlTimeoutMs = 20_000;

/**
 * Starts a cluster of etcd.
 *
 * @param size how many members
 */
export async function startEtcdCluster(
  size: number,
): Promise<AsyncDisposable & { members: TestEtcd[] }> {
  const peers = Array.from({ length: size }, () => `http://127.0.0.1:${freePort()}`);
  const starting = peers.map((_, at) => startEtcd({ member: { peers, at } }));
  const members = await Promise.all(starting);
  return {
    members,
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    },
  };
}

/**
 * Starts an etcd and waits until it answers.
 *
 * @param options what it is started with
 * @throws if there is no `etcd` on this machine: that fails a test, it does not skip it
 */
export async function startEtcd(options: TestEtcdOptions = {}): Promise<TestEtcd> {
  const { flags = [], ctlFlags = [], scheme = "http", member } = options;
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir("etcd"));
  const endpoint = `127.0.0.1:${freePort()}`;
  const peers = member?.peers ?? [`http://127.0.0.1:${freePort()}`];
  const at = member?.at ?? 0;
  const peer = peers[at]!;
  const url = `${scheme}://${endpoint}`;
  const args = [
    ["--data-dir", `${dir.path}/data`, "--log-level", "error", "--name", `test${at}`],
    ["--listen-client-urls", url, "--advertise-client-urls", url],
    ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
    ["--initial-cluster", peers.map((each, index) => `test${index}=${each}`).join(",")],
    flags,
  ].flat();

  const ctl = async (...command: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command("etcdctl", {
      args: ["--endpoints", url, ...ctlFlags, ...command],
      env: { ETCDCTL_API: "3" },
      // Some of its commands wait for ever for an etcd that is not there.
      signal: AbortSignal.timeout(ctlTimeoutMs),
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (!success) throw new Error(`etcdctl ${command.join(" ")}: ${decode(stderr)}`);
    return decode(stdout);
  };
  let process: Deno.ChildProcess | undefined;
  const kill = async () => {
    process?.kill("SIGKILL");
    await process?.status;
    process = undefined;
  };
  const start = async () => {
    process = new Deno.Command("etcd", { args, stdout: "null", stderr: "null" }).spawn();
    await eventually("etcd answers", () =>
      ctl("endpoint", "health").then(() => true, (error) => {
        if (error instanceof Deno.errors.NotFound) throw error; // no etcdctl: it never will
        return false;
      }));
  };
  stack.defer(kill);
  await start();
  const owned = stack.move();
  return {
    endpoint,
    kill,
    freeze: () => process?.kill("SIGSTOP"),
    thaw: () => process?.kill("SIGCONT"),
    restart: async ({ wipe = false } = {}) => {
      await kill();
      if (wipe) await Deno.remove(`${dir.path}/data`, { recursive: true });
      await start();
    },
    ctl,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

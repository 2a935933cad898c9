/**
 * A node in a process of its own, as users run it: started from a binary, ready when it says so,
 * gone with its data when it is disposed.
 *
 * @module
 */

import { nodeLabel } from "../../lib/runtime/docker/names.ts";
import { idLockFile } from "../../lib/cluster/home.ts";
import { freePort } from "./network/free_port.ts";
import { cleanEnv, runToEnd } from "./process.ts";

/** How a node process is started. */
export interface NodeOptions {
  /** The binary; by default `SERVERLEDGE_BINARY`, else this machine's in `dist/`. */
  readonly binary?: string;
  /** Program and arguments that run the binary, e.g. an emulator; none by default. */
  readonly runner?: readonly string[];
  /** What it runs as: a node by default, or the balancer of a region. */
  readonly command?: "start" | "lb";
  /** More arguments for the command. */
  readonly args?: readonly string[];
  /** More environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Configuration by dotted key; port, address and data folder are set here unless given. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** How long it may take to get ready, ms. */
  readonly readyTimeoutMs?: number;
}

/** What a command ended with. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running node process. Disposing it ends it and removes its data. */
export interface NodeProcess extends AsyncDisposable {
  /** Where its API is, e.g. `http://127.0.0.1:40123`; `https:` if it serves TLS only. */
  readonly url: string;
  readonly pid: number;
  /** Resolves with the exit status when the process has ended. */
  readonly exit: Promise<number>;
  /** From the start of the process to its first good answer, ms. */
  readonly readyMs: number;
  /** All that it wrote so far. */
  log(): string;
  /** Runs a client command of the same binary against it. */
  cli(args: readonly string[], stdin?: string): Promise<CommandResult>;
  /** Sends SIGTERM, after a bound SIGKILL. @returns the exit status of the process */
  stop(): Promise<number>;
  /** Ends it at once, as a crash would; its data stays until it is disposed. */
  kill(): Promise<void>;
}

/** A stopping node may let invocations finish (30 s by default) and has containers to remove. */
const stopTimeoutMs = 60_000;

/** How often a starting node is asked whether it is healthy; short, since benchmarks use it too. */
const readyStepMs = 4;

/** The binary that tests run. */
export function defaultBinary(): string {
  const built = new URL(`../../dist/serverledge-${Deno.build.arch}`, import.meta.url).pathname;
  return Deno.env.get("SERVERLEDGE_BINARY") ?? built;
}

/**
 * Starts a node and waits until it is healthy.
 *
 * @param options how to start it
 * @throws with its log when it ends, or is not ready within the bound
 */
export async function startNodeProcess(options: NodeOptions = {}): Promise<NodeProcess> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "serverledge-node-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  let id: string | undefined;
  stack.defer(() => {
    if (id !== undefined) removeIdLock(id);
  });
  const port = Number(options.config?.["api.port"] ?? freePort());
  const config = {
    "api.listen": "127.0.0.1",
    "api.port": port,
    "data.dir": `${folder}/data`,
    ...options.config,
  };
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));

  const command = [...options.runner ?? [], options.binary ?? defaultBinary()];
  const env = { ...cleanEnv(), ...options.env };
  const started = performance.now();
  // Into a file, as a service manager would: reading a pipe would cost this process time.
  const logFile = `${folder}/log`;
  const args = [options.command ?? "start", `${folder}/config.json`, ...options.args ?? []];
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" >"$0" 2>&1', logFile, ...command, ...args],
    stdin: "null",
    clearEnv: true,
    env,
  }).spawn();
  let ended: number | undefined;
  let lastLog: string | undefined;
  const log = () => lastLog ?? Deno.readTextFileSync(logFile);
  const exit = child.status.then(({ code }) => {
    lastLog = log();
    return ended = code;
  });

  const stop = async () => {
    if (ended === undefined) child.kill("SIGTERM");
    const timer = setTimeout(() => ended ?? child.kill("SIGKILL"), stopTimeoutMs);
    const code = await exit;
    clearTimeout(timer);
    return code;
  };
  stack.defer(async () => void await stop());

  const certificate = soleCertificate(options.config);
  const url = `${certificate ? "https" : "http"}://127.0.0.1:${port}`;
  const bound = started + (options.readyTimeoutMs ?? 20_000);
  while ((id = await healthyNode(url, certificate)) === undefined) {
    if (ended !== undefined) throw new Error(`The node ended with status ${ended}:\n${lastLog}`);
    if (performance.now() > bound) throw new Error(`The node is not healthy in time:\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, readyStepMs));
  }
  const readyMs = performance.now() - started;

  const owned = stack.move();
  return {
    url,
    pid: child.pid,
    exit,
    readyMs,
    log,
    stop,
    async kill() {
      if (ended === undefined) child.kill("SIGKILL");
      await exit;
    },
    cli: (args, stdin) =>
      runToEnd([...command, ...args], {
        env: { ...env, SERVERLEDGE_HOST: "127.0.0.1", SERVERLEDGE_PORT: String(port) },
        stdin,
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Starts a node with TLS in addition to plain HTTP.
 *
 * @param certificate paths of its PEM files
 */
export async function startWithTls(
  certificate: { readonly cert: string; readonly key: string },
): Promise<{ node: NodeProcess; port: number }> {
  const port = freePort();
  const node = await startNodeProcess({
    config: {
      "api.tls.cert": certificate.cert,
      "api.tls.key": certificate.key,
      "api.tls.port": port,
    },
  });
  return { node, port };
}

/** Returns the certificate of a node that serves nothing but TLS. */
function soleCertificate(config: NodeOptions["config"] = {}): string | undefined {
  const { "api.tls.cert": certificate, "api.tls.port": port } = config;
  return typeof certificate === "string" && port === undefined ? certificate : undefined;
}

/** @returns the node's id; undefined if it does not serve requests */
async function healthyNode(url: string, certificate?: string): Promise<string | undefined> {
  try {
    using client = Deno.createHttpClient(
      certificate === undefined ? {} : { caCerts: [Deno.readTextFileSync(certificate)] },
    );
    const signal = AbortSignal.timeout(5000);
    const answer = await fetch(`${url}/healthz`, { signal, client });
    const { Node } = await answer.json();
    return answer.ok ? Node : undefined;
  } catch {
    return undefined; // not listening yet
  }
}

/** Removes the lock of an id that a killed node has left, unless another node has the id now. */
function removeIdLock(id: string): void {
  const path = idLockFile(id);
  try {
    using lock = Deno.openSync(path);
    if (lock.tryLockSync(true)) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Removes the containers that a killed node has left.
 *
 * @param id the node's, which no other will have
 */
export async function removeContainers(id: string): Promise<void> {
  const label = `label=${nodeLabel}=${id}`;
  const { stdout } = await runToEnd(["docker", "ps", "--all", "--quiet", "--filter", label]);
  const left = stdout.trim().split("\n").filter((id) => id !== "");
  if (left.length > 0) await runToEnd(["docker", "rm", "--force", ...left]);
}

/**
 * How much load `serverledge bench` makes from one core: a closed loop against a server in a process
 * of its own that answers each request with the same bytes.
 *
 * @module
 */

import type { LoadResult } from "../../../lib/lab/load/report/result.ts";
import { defaultBinary } from "../../../tests/support/node.ts";
import { runToEnd } from "../../../tests/support/process.ts";
import type { Results } from "../results.ts";
import { inRounds, loadSeconds, warmUpSeconds } from "../rounds.ts";

const clients = 64;
const answer = "a constant answer of some length, as a small function gives it";
const server = new URL("constant_server.ts", import.meta.url).pathname;

/** Measures requests per second that one core sends and checks. */
export async function measureBenchClient(results: Results): Promise<void> {
  await using target = await startServer();
  const samples = await inRounds(() => measure(target.url));
  results.add("bench_client_rps", "1/s", samples.map(({ total }) => total.rate));
  const busy = samples.map(({ generator }) => generator.cpuShare);
  results.add("bench_client_cpu", "cores", busy);
}

async function measure(url: string): Promise<LoadResult> {
  const { code, stdout, stderr } = await runToEnd([
    ...await pinned(0),
    defaultBinary(),
    "bench",
    ...["--url", url, "--method", "POST", "--body", "{}", "--expect", answer],
    ...["--clients", String(clients), "--warm-up", String(warmUpSeconds)],
    ...["--duration", String(loadSeconds), "--json", "-"],
  ]);
  if (code !== 0) throw new Error(`serverledge bench ended with status ${code}: ${stderr}`);
  const result: LoadResult = JSON.parse(stdout);
  if (result.total.failed > 0 || result.total.ok === 0) {
    throw new Error(
      `serverledge bench: not all responses were valid: ${JSON.stringify(result.total.outcomes)}`,
    );
  }
  return result;
}

async function startServer(): Promise<AsyncDisposable & { readonly url: string }> {
  const [command, ...args] = [
    ...await pinned(1),
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-net",
    server,
    answer,
  ];
  const child = new Deno.Command(command!, { args, stdin: "null", stdout: "piped" }).spawn();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.status;
  };
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port = "" } = await reader.read();
  await reader.cancel();
  if (!/^\d+\n$/.test(port)) {
    await stop();
    throw new Error("The server of constant responses did not start");
  }
  return { url: `http://127.0.0.1:${port.trim()}/`, [Symbol.asyncDispose]: stop };
}

/** What keeps a program on one core, where there are two and `taskset`. */
async function pinned(core: number): Promise<string[]> {
  if (navigator.hardwareConcurrency < 2) return [];
  const found = await runToEnd(["sh", "-c", "command -v taskset"]);
  return found.code === 0 ? ["taskset", "-c", String(core)] : [];
}

/**
 * Upgrade of a node under load: failed requests, and warm starts of the process that takes over.
 *
 * @module
 */

import { code, python } from "../../../tests/support/client.ts";
import { freePort } from "../../../tests/support/network/free_port.ts";
import { startNodeProcess } from "../../../tests/support/node.ts";
import { tempDir } from "../../../tests/support/temp_dir.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import type { Results } from "../results.ts";
import { isShort } from "../rounds.ts";

const clients = 16;
/** Least number of requests, half of them before the upgrade. */
const requests = isShort ? 2_000 : 60_000;
/** First requests of the new process among which warm starts are counted. */
const counted = isShort ? 200 : 2_000;
/** Longest response, ms and bytes. */
const timeoutMs = 30_000;
const maxBytes = 1 << 20;

/** Measures one upgrade under load. */
export async function measureUpgrade(results: Results): Promise<void> {
  await using folder = await tempDir("upgrade");
  const config = {
    "api.port": freePort(),
    "data.dir": `${folder.path}/data`,
    "log.level": "error",
    "shutdown.grace": 10,
  };
  await using first = await startNodeProcess({ config });
  const { url } = first;
  const source = "export default (params: { n: number }) => params.n * 2;";
  const deno = {
    Name: "deno",
    Runtime: "deno",
    MemoryMB: 64,
    Handler: "main.ts",
    TarFunctionCode: await code({ "main.ts": source }),
  };
  for (
    const fn of [deno, await python("python", "def f(params, context): return params['n'] * 2")]
  ) {
    await fetch(`${url}/create`, { method: "POST", body: JSON.stringify(fn) }).then(checked);
  }
  const load = new Load(url);
  const done = load.run();
  await load.reaches(requests / 2);
  await using _second = await startNodeProcess({ config, args: ["--replace"] });
  const warm = await warmStarts(url);
  await load.reaches(requests);
  load.isOver = true;
  await done;
  results.add("upgrade_requests", "requests", [load.completed]);
  results.add("upgrade_failed", "requests", [load.failed]);
  results.add("upgrade_warm_ratio", "ratio", [warm]);
  results.add("upgrade_longest_ms", "ms", [load.longestMs]);
  await first.exit;
}

/** Clients that send requests over connections that they keep. */
class Load {
  /** Set to end the load. */
  isOver = false;
  completed = 0;
  failed = 0;
  longestMs = 0;
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async run(): Promise<void> {
    using client = new HttpClient();
    await Promise.all(Array.from({ length: clients }, async (_, n) => {
      while (!this.isOver) await this.#send(client, n % 2 === 0 ? "deno" : "python");
    }));
  }

  async reaches(count: number): Promise<void> {
    while (this.completed < count) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async #send(client: HttpClient, name: string): Promise<void> {
    const begun = performance.now();
    try {
      const request = {
        method: "POST",
        path: `/invoke/${name}`,
        headers: [["host", "127.0.0.1"], ["content-type", "application/json"]] as const,
        body: new TextEncoder().encode('{"Params":{"n":21}}'),
      };
      const { status, body } = await client.ask(
        this.#url,
        request,
        AbortSignal.timeout(timeoutMs),
        maxBytes,
      );
      const report = JSON.parse(new TextDecoder().decode(body));
      if (status !== 200 || report.Result !== "42") this.failed++;
    } catch {
      this.failed++;
    }
    this.completed++;
    this.longestMs = Math.max(this.longestMs, performance.now() - begun);
  }
}

/** Returns the share of warm starts among the first requests of a process that takes over. */
async function warmStarts(url: string): Promise<number> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const starts = [...text.matchAll(/^serverledge_start_tier_total\{.*tier="(\w+)".*\} (\d+)/gm)]
      .map(([, tier, count]) => ({ tier, count: Number(count) }));
    const sum = starts.reduce((all, { count }) => all + count, 0);
    // The former process has run more.
    if (sum >= counted && sum < requests / 2) {
      const warm = starts.filter(({ tier }) => tier === "warm");
      return warm.reduce((all, { count }) => all + count, 0) / sum;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function checked(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return JSON.parse(text);
}

/**
 * Load by wrk: POST requests over a fixed number of connections, each sent when the last answered.
 *
 * @module
 */

/** What one run of wrk measured. */
export interface Load {
  /** Good answers per second. */
  readonly rate: number;
  /** Median latency, ms. */
  readonly p50Ms: number;
  /** 99th percentile of the latency, ms. */
  readonly p99Ms: number;
}

/** What the script prints at the end of a run. */
interface Summary {
  requests: number;
  duration_us: number;
  bad: number;
  p50_us: number;
  p99_us: number;
}

/**
 * Loads a URL.
 *
 * @param url where to POST to
 * @param body what to POST
 * @param connections how many clients
 * @param seconds for how long
 * @param headers more headers, without quotes in them
 * @throws if a single answer is missing, late or not a success
 */
export async function load(
  url: string,
  body: string,
  connections: number,
  seconds: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Load> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(script, luaScript(body, headers));
    const { code, stdout, stderr } = await new Deno.Command("wrk", {
      args: ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url],
    }).output();
    const text = new TextDecoder().decode(stdout);
    if (code !== 0) throw new Error(`wrk: ${new TextDecoder().decode(stderr)}${text}`);
    const summary: Summary = JSON.parse(text.slice(text.lastIndexOf('{"requests"')));
    if (summary.bad > 0 || summary.requests === 0) {
      throw new Error(
        `wrk: ${summary.bad} of ${summary.requests} responses were not valid: ${url}`,
      );
    }
    return {
      rate: summary.requests / (summary.duration_us / 1e6),
      p50Ms: summary.p50_us / 1000,
      p99Ms: summary.p99_us / 1000,
    };
  } finally {
    await Deno.remove(script);
  }
}

function luaScript(body: string, headers: Readonly<Record<string, string>>): string {
  const more = Object.entries(headers).map(([name, value]) =>
    `wrk.headers["${name}"] = "${value}"`
  );
  return `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
${more.join("\n")}
wrk.body = [[${body}]]
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"bad":%d,"p50_us":%d,"p99_us":%d}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
`;
}

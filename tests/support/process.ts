/**
 * Other programs: their environment and their end.
 *
 * @module
 */

/** Longest that a command may take before it is killed. */
const commandTimeoutMs = 120_000;

/**
 * This process's environment without what is meant for the tests themselves, which a node would
 * take for its configuration.
 */
export function cleanEnv(): Record<string, string> {
  const { SERVERLEDGE_BINARY: _, SERVERLEDGE_HOST: _host, SERVERLEDGE_PORT: _port, ...env } = Deno
    .env.toObject();
  return env;
}

/**
 * Runs a command to its end.
 *
 * @param command program and arguments
 * @param options.env its whole environment; by default this process's, cleaned
 * @param options.stdin what it reads; nothing by default
 * @param options.cwd where it runs; here by default
 * @returns its exit status and what it wrote
 */
export async function runToEnd(
  command: readonly string[],
  options: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = new Deno.Command(command[0]!, {
    args: command.slice(1),
    clearEnv: true,
    env: options.env ?? cleanEnv(),
    cwd: options.cwd,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(commandTimeoutMs),
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

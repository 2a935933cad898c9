/**
 * Outputs and environment of a process, passed to commands as an argument.
 *
 * @module
 */

/** One output of a process. */
export interface Output {
  /** True if the output is a terminal. */
  readonly isTerminal: boolean;
  /** True if colours are allowed: the output is a terminal, and the environment does not disable them. */
  readonly colour: boolean;
  /** Writes the whole text unchanged. */
  write(text: string): void;
}

/** Outputs and environment of the process that runs a command. */
export interface Terminal {
  /** Output for results. */
  readonly out: Output;
  /** Output for progress, warnings and errors. */
  readonly err: Output;
  /** Environment variables by name. */
  readonly env: Readonly<Record<string, string>>;
}

/** Returns the terminal of this process. */
export function systemTerminal(): Terminal {
  const env = Deno.env.toObject();
  return { out: output(Deno.stdout, env), err: output(Deno.stderr, env), env };
}

function output(stream: typeof Deno.stdout, env: Record<string, string>): Output {
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    // See https://no-color.org: any value but the empty one counts.
    colour: isTerminal && !env.NO_COLOR && env.TERM !== "dumb",
    write(text) {
      let bytes = new TextEncoder().encode(text);
      try {
        while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
      } catch (error) {
        // A reader may stop before the end, as in `serverledge list | head -1`.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
  };
}

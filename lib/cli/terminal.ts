/**
 * The outside of the command line: its two outputs and the environment, as an argument.
 *
 * @module
 */

/** One output of a process. */
export interface Output {
  /** True if a person reads it as it is written. */
  readonly isTerminal: boolean;
  /** True if it may carry colour: a terminal, and nobody asked for none. */
  readonly colour: boolean;
  /** Writes all of the text, as it is. */
  write(text: string): void;
}

/** What a command sees of the process it runs in. */
export interface Terminal {
  /** For results. */
  readonly out: Output;
  /** For progress, warnings and errors. */
  readonly err: Output;
  /** Environment variables by name. */
  readonly env: Readonly<Record<string, string>>;
}

/** The terminal of this process. */
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
        // `serverledge list | head -1`: the reader has what it wanted.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
  };
}

/**
 * Recent output of functions by line and time, bounded and in memory.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { InvocationObserver, InvocationOutcome } from "../scheduler/observer.ts";

/** Maximum number of lines per function. */
export const maxLines = 1_000;
/** Maximum number of characters per function; the oldest lines are dropped first. */
export const maxFunctionChars = 1 << 20;
/** Maximum number of characters of all functions. */
export const maxTotalChars = 32 << 20;
/** Maximum length of a line, characters. */
export const maxLineLength = 16_384;
const lineCut = " [line truncated]";
/** Characters that a line counts in addition to its text. */
const lineOverhead = 100;
/** Maximum number of functions; the one that wrote least recently is dropped first. */
const maxFunctions = 1_000;
/** Id of output outside of calls. */
const noCall = "-";

/** A line of output. */
export interface OutputLine {
  /** Number, increasing over all functions. */
  readonly seq: number;
  /** Time of arrival at the node, ms since 1970. */
  readonly time: number;
  /** Id of the call that wrote it; `-` if unknown. */
  readonly id: string;
  /** Text without the line break. */
  readonly text: string;
}

/** Query for lines. */
export interface OutputQuery {
  /** Maximum number of lines, the last ones. */
  readonly last: number;
  /** Lines after this number only. */
  readonly after?: number;
  /** True to leave out an incomplete last line. */
  readonly ended?: boolean;
}

/** A line that may still be continued. */
interface Line extends OutputLine {
  text: string;
}

/** Lines of a function, oldest first. */
interface FunctionOutput {
  readonly lines: Line[];
  chars: number;
  /** Whether the last line is incomplete. */
  open: boolean;
}

/** Lines by function. */
export class OutputLog implements InvocationObserver {
  readonly #clock: Pick<Clock, "wall">;
  /** Lines by function, the one that wrote least recently first. */
  readonly #functions = new Map<string, FunctionOutput>();
  readonly #listeners = new Map<string, Set<() => void>>();
  #chars = 0;
  #seq = 0;

  /**
   * Creates an empty log.
   *
   * @param clock clock for the times of lines
   */
  constructor(clock: Pick<Clock, "wall">) {
    this.#clock = clock;
  }

  /**
   * Adds output.
   *
   * @param name name of the function
   * @param id id of the call, null if unknown
   * @param text lines or parts of them; a part is continued by the next output of the same call
   * @param time time of the output, ms since 1970
   */
  write(name: string, id: string | null, text: string, time = this.#clock.wall()): void {
    if (text === "") return;
    const output = this.#outputOf(name);
    const owner = id ?? noCall;
    let start = 0;
    while (start < text.length) {
      const end = text.indexOf("\n", start);
      const part = text.slice(start, end < 0 ? undefined : end);
      const last = output.open ? output.lines.at(-1) : undefined;
      if (last?.id === owner) this.#extend(output, last, part);
      else if (part !== "") {
        this.#add(output, { seq: ++this.#seq, time: Math.floor(time), id: owner, text: part });
      }
      output.open = end < 0;
      start = end < 0 ? text.length : end + 1;
    }
    this.#trim(name, output);
    this.#listeners.get(name)?.forEach((listener) => listener());
  }

  /** Ends the incomplete line of an invocation, and adds its error if it failed. */
  completed({ functionName, id, outcome, message, traceback }: InvocationOutcome): void {
    const output = this.#functions.get(functionName);
    if (output?.open && output.lines.at(-1)?.id === id) this.write(functionName, id, "\n");
    if (message === "") return;
    this.write(functionName, id, `${onItsLine(traceback)}${outcome}: ${message}\n`);
  }

  /** Adds the position at which a function was interrupted. */
  interrupted(functionName: string, id: string, traceback: string): void {
    this.write(functionName, id, onItsLine(traceback));
  }

  /** Returns lines of a function, oldest first. */
  read(name: string, { last, after = 0, ended = false }: OutputQuery): OutputLine[] {
    const output = this.#functions.get(name);
    if (!output || last <= 0) return [];
    const { lines } = output;
    const from = after === 0 ? 0 : lines.findIndex(({ seq }) => seq > after);
    if (from < 0) return [];
    const end = ended && output.open ? lines.length - 1 : lines.length;
    return lines.slice(Math.max(from, end - last), end);
  }

  /**
   * Calls a listener after each write of a function until disposal.
   *
   * @param listener the listener; it must be fast and not throw
   */
  listen(name: string, listener: () => void): Disposable {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return {
      [Symbol.dispose]: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.#listeners.delete(name);
      },
    };
  }

  /** Removes the output of a deleted function. */
  forget(name: string): void {
    this.#chars -= this.#functions.get(name)?.chars ?? 0;
    this.#functions.delete(name);
  }

  /** Returns the output of a function and marks it as the most recent one. */
  #outputOf(name: string): FunctionOutput {
    const output = this.#functions.get(name) ?? { lines: [], chars: 0, open: false };
    this.#functions.delete(name);
    this.#functions.set(name, output);
    if (this.#functions.size > maxFunctions) this.#forgetOldest();
    return output;
  }

  #add(output: FunctionOutput, line: Line): void {
    line.text = cutLine(line.text);
    output.lines.push(line);
    this.#count(output, line.text.length + lineOverhead);
  }

  #extend(output: FunctionOutput, line: Line, text: string): void {
    const before = line.text.length;
    if (before < maxLineLength) line.text = cutLine(line.text + text);
    this.#count(output, line.text.length - before);
  }

  #count(output: FunctionOutput, chars: number): void {
    output.chars += chars;
    this.#chars += chars;
  }

  #trim(name: string, output: FunctionOutput): void {
    const { lines } = output;
    let drop = 0;
    while (
      lines.length - drop > maxLines || (output.chars > maxFunctionChars && drop < lines.length - 1)
    ) this.#count(output, -lines[drop++]!.text.length - lineOverhead);
    if (drop > 0) lines.splice(0, drop);
    while (this.#chars > maxTotalChars && !this.#isOldest(name)) this.#forgetOldest();
  }

  #isOldest(name: string): boolean {
    return this.#functions.keys().next().value === name;
  }

  #forgetOldest(): void {
    this.forget(this.#functions.keys().next().value!);
  }
}

function cutLine(text: string): string {
  return text.length > maxLineLength ? text.slice(0, maxLineLength) + lineCut : text;
}

function onItsLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

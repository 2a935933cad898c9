/**
 * What functions wrote lately, line by line with its time: bounded, in memory.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import type { InvocationObserver, InvocationOutcome } from "../scheduler/observer.ts";

/** Most lines kept of one function. */
export const maxLines = 1_000;
/** Most characters kept of one function; the oldest go first. */
const maxChars = 1 << 20;
/** Most characters kept of all functions. */
export const maxTotalChars = 32 << 20;
/** Longest line kept, characters. */
export const maxLineLength = 16_384;
const lineCut = " [line cut here]";
/** Characters that a line counts beside its text. */
const lineOverhead = 100;
/** Most functions with lines; the one that wrote least recently goes first. */
const maxFunctions = 1_000;
/** Stands for the id of what was written outside of any call. */
const noCall = "-";

/** One line. */
export interface OutputLine {
  /** Its number; later lines have higher ones, of whichever function. */
  readonly seq: number;
  /** When it arrived at the node, ms since 1970. */
  readonly time: number;
  /** The call that wrote it; `-` if none did, or nobody can tell. */
  readonly id: string;
  /** Its text, without the line's end. */
  readonly text: string;
}

/** Which lines are read. */
export interface OutputQuery {
  /** How many of the last at most. */
  readonly last: number;
  /** Only later ones than that number; all by default. */
  readonly after?: number;
  /** True to leave out a last line that may still grow. */
  readonly ended?: boolean;
}

/** A line that may still grow. */
interface Line extends OutputLine {
  text: string;
}

/** The lines of one function, oldest first. */
interface FunctionOutput {
  readonly lines: Line[];
  chars: number;
  /** True if the last line has not ended yet. */
  open: boolean;
}

/** Lines by function. */
export class OutputLog implements InvocationObserver {
  readonly #clock: Pick<Clock, "wall">;
  /** The function that wrote least recently first. */
  readonly #functions = new Map<string, FunctionOutput>();
  readonly #listeners = new Map<string, Set<() => void>>();
  #chars = 0;
  #seq = 0;

  /** @param clock whose wall time lines get */
  constructor(clock: Pick<Clock, "wall">) {
    this.#clock = clock;
  }

  /**
   * Keeps what was written.
   *
   * @param name the function that wrote it
   * @param id the call, null if unknown
   * @param text whole lines or parts of them: a part is continued by what the same call writes next
   * @param time when it was written, ms since 1970
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

  /** Ends the line that an invocation left open, and keeps the error of one that failed. */
  completed({ functionName, id, outcome, message, traceback }: InvocationOutcome): void {
    const output = this.#functions.get(functionName);
    if (output?.open && output.lines.at(-1)?.id === id) this.write(functionName, id, "\n");
    if (message === "") return;
    this.write(functionName, id, `${onItsLine(traceback)}${outcome}: ${message}\n`);
  }

  /** Keeps where a function was interrupted. */
  interrupted(functionName: string, id: string, traceback: string): void {
    this.write(functionName, id, onItsLine(traceback));
  }

  /**
   * Lines of a function, oldest first.
   *
   * @param name the function's
   */
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
   * Calls back after each write of a function, until disposed.
   *
   * @param name the function's
   * @param listener must be quick and never throw
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

  /** The function is gone. */
  forget(name: string): void {
    this.#chars -= this.#functions.get(name)?.chars ?? 0;
    this.#functions.delete(name);
  }

  /** The function's output, now the one written to most recently. */
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
      lines.length - drop > maxLines || (output.chars > maxChars && drop < lines.length - 1)
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

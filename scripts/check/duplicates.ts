/**
 * Checks that no run of lines stands in two places: one piece of code serves where the logic is the
 * same. Names count, so places that are merely alike in shape pass, and so do types and lists of values.
 *
 * Usage: deno run -A scripts/check/duplicates.ts
 *
 * @module
 */

import { projectFiles, root } from "../project.ts";

/** Places that may be alike, each with its reason. */
const accepted: readonly { readonly files: readonly string[]; readonly reason: string }[] = [
  {
    files: ["lib/cluster/cluster.ts", "lib/lab/simulator/peers.ts"],
    reason: "two implementations of the same contract hand the same questions to the table",
  },
  {
    files: ["lib/lab/simulator/environment.ts", "lib/runtime/sandbox/environment.ts"],
    reason: "two implementations of the same contract give the same constants",
  },
];

/** How many lines of code a run has at least. */
const minLines = 6;

/** A line of code as it is compared: without the white space around it. */
interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** A place of the run. */
interface Place {
  readonly file: string;
  /** The run's first line, from 1. */
  readonly line: number;
}

/** The same lines in two places. */
export interface Duplicate {
  readonly first: Place;
  readonly second: Place;
  /** How many lines of code they share. */
  readonly lines: number;
}

/** Lines that may stand in many places, since they are no logic. */
const noLogic = [
  /^import /,
  /^(\/\/|\/\*|\*)/, // comments
  /^[{}()[\];,]*$/,
  /^readonly \w+\??: [^=]*;$/, // a member of a type
  /^(\w+: )?("[^"]*"|[\w.]+|\[[^\]]*\]|\{\}),$/, // a value of a record or a list
];

/**
 * Finds runs of at least six lines of code that stand in two places, in one file or in two.
 *
 * @param files their texts, by path
 * @returns each run in its full length, with the first place that it stands in
 */
export function findDuplicates(files: ReadonlyMap<string, string>): Duplicate[] {
  const lines = new Map([...files].map(([file, text]) => [file, linesOfCode(text)]));
  const seen = new Map<string, { file: string; at: number }>();
  const found: Duplicate[] = [];
  for (const [file, own] of lines) {
    for (let at = 0; at + minLines <= own.length; at++) {
      const key = own.slice(at, at + minLines).map(({ text }) => text).join("\n");
      const before = seen.get(key);
      if (!before) {
        seen.set(key, { file, at });
        continue;
      }
      const others = lines.get(before.file)!;
      const length = sharedLength(others, before.at, own, at);
      found.push({
        first: { file: before.file, line: others[before.at]!.number },
        second: { file, line: own[at]!.number },
        lines: length,
      });
      at += length - 1;
    }
  }
  return found;
}

function sharedLength(one: Line[], from: number, other: Line[], at: number): number {
  let length = minLines;
  while (one[from + length] && one[from + length]!.text === other[at + length]?.text) length++;
  return length;
}

function linesOfCode(text: string): Line[] {
  // An import over several lines is one.
  const code = text.replace(/^import \{[^}]*\} from/gm, (all) => all.replace(/.*\n/g, "\n"))
    .replace(/^\} from .*$/gm, "");
  return code.split("\n")
    .map((line, index) => ({ text: line.trim(), number: index + 1 }))
    .filter(({ text }) => !noLogic.some((kind) => kind.test(text)));
}

if (import.meta.main) {
  const paths = ["main.ts", "cli.ts", "lib", "policies", "examples", "scripts", "tests"];
  const texts = new Map<string, string>();
  for (const path of await projectFiles(paths)) {
    texts.set(path, await Deno.readTextFile(root + path));
  }
  const duplicates = findDuplicates(texts).filter(({ first, second }) =>
    !accepted.some(({ files }) =>
      first.file !== second.file && files.includes(first.file) && files.includes(second.file)
    )
  );
  for (const { first, second, lines } of duplicates) {
    const [one, other] = [first, second].map(({ file, line }) => `${file}:${line}`);
    console.error(`${other} repeats ${lines} lines of ${one}: let both use one piece of code`);
  }
  if (duplicates.length > 0) Deno.exit(1);
  console.log(`${texts.size} files, no run of ${minLines} lines stands in two places`);
}

/**
 * Checks that names and texts use the terms of the field. The words to avoid are the quoted ones in the
 * last column of the tables in CONTRIBUTING.md, whose first column says what to write instead. Whole
 * words and phrases count; identifiers and file names are split at camelCase and snake_case. An
 * exception that allows nothing fails the check.
 *
 * Usage: deno run -A scripts/check/words.ts
 *
 * @module
 */

import { projectFiles, root } from "../project.ts";

const glossary = "CONTRIBUTING.md";

/** Uses that are right, with the reason. */
export interface Exception {
  /** The whole paths of files, or the folders that they lie in. */
  readonly paths: readonly string[];
  readonly words: readonly string[];
  readonly reason: string;
}

const inOtherFiles: readonly Exception[] = [
  {
    paths: [
      "tests/images/wasm/unknown_import.c",
      "tests/real/wasm_guest_test.ts",
      "tests/support/functions/hostile_wasm.ts",
      "lib/runtime/sandbox/HOSTILE.md",
    ],
    words: ["door"],
    reason: "name of an import",
  },
  {
    paths: [
      "lib/cli/config/sources.ts",
      "lib/cli/config/sources_test.ts",
      "lib/config/config_test.ts",
      "lib/config/go_keys.ts",
      "scripts/docs/configuration.ts",
      "docs/reference/configuration.md",
      "CHANGELOG.md",
    ],
    words: ["spares"],
    reason: "former names of configuration keys, which still work",
  },
  {
    paths: [
      "lib/model/status.ts",
      "lib/node/services.ts",
      "lib/telemetry/metrics.ts",
      "tests/support/fakes/fake_services.ts",
      "tests/binary/generic_instances_test.ts",
      "docs/reference/http-api.md",
      "docs/reference/metrics.md",
    ],
    words: ["spares"],
    reason: "former names of a field and of a metric, which are still served",
  },
  {
    paths: ["lib/policy/loader.ts"],
    words: ["way ms", "away ms"],
    reason: "former names that policies in files may still use",
  },
  {
    paths: ["tests/real/policy_loader_test.ts"],
    words: ["way ms"],
    reason: "former name that policies in files may still use",
  },
  {
    paths: ["CHANGELOG.md"],
    words: ["way ms", "away ms"],
    reason: "the former names of fields",
  },
  {
    paths: ["lib/api/body_budget.ts"],
    words: ["booked"],
    reason: "part of a field of error responses",
  },
  {
    paths: ["scripts/bench", "policies/README.md"],
    words: ["crowded"],
    reason: "part of the name of a scenario",
  },
  {
    paths: ["scripts/check/words_test.ts"],
    words: ["way ms", "anew"],
    reason: "words that the tests look for",
  },
];
const exceptions: readonly Exception[] = [...inOtherFiles, {
  paths: ["scripts/check/words.ts"],
  words: inOtherFiles.flatMap(({ words }) => words),
  reason: "the exceptions themselves",
}];

/** A word or phrase to avoid. */
export interface Term {
  /** Its words in lower case. */
  readonly words: readonly string[];
  /** What to write instead. */
  readonly instead: string;
}

/** A place where a term to avoid is used. */
export interface Use {
  /** Path of the file. */
  readonly file: string;
  readonly term: Term;
  /** From 1; 0 for the file's name. */
  readonly line: number;
}

/** Reads the terms to avoid from the tables of a Markdown text whose last column is "avoid". */
export function readTerms(markdown: string): Term[] {
  const terms: Term[] = [];
  let inTable = false;
  for (const line of markdown.split("\n")) {
    const cells = line.startsWith("|") ? line.split("|").slice(1, -1) : [];
    const last = cells.at(-1)?.trim() ?? "";
    if (cells.length === 0 || last === "avoid") inTable = last === "avoid";
    else if (inTable) {
      for (const [, text] of last.matchAll(/`([^`]+)`/g)) {
        terms.push({ words: wordsOf(text!).map(({ word }) => word), instead: cells[0]!.trim() });
      }
    }
  }
  return terms;
}

/**
 * Finds terms to avoid in a file.
 *
 * @param path the file's path, which is looked at like its text
 * @param text what it contains
 * @param terms terms to avoid
 * @returns the places in the order of the text
 */
export function findTerms(path: string, text: string, terms: readonly Term[]): Use[] {
  const byFirst = Map.groupBy(terms, ({ words }) => words[0]!);
  const uses: Use[] = [];
  const look = (searched: string, lineOf: (at: number) => number): void => {
    const words = wordsOf(searched);
    for (const [index, { word, at }] of words.entries()) {
      for (const term of byFirst.get(word) ?? []) {
        if (isAt(searched, words, index, term)) uses.push({ file: path, term, line: lineOf(at) });
      }
    }
  };
  look(path, () => 0);
  look(text, (at) => text.slice(0, at).split("\n").length);
  return uses;
}

interface Word {
  /** In lower case. */
  readonly word: string;
  readonly at: number;
  readonly end: number;
}

function wordsOf(text: string): Word[] {
  return [...text.matchAll(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g)].map(({ 0: word, index: at }) => ({
    word: word.toLowerCase(),
    at,
    end: at + word.length,
  }));
}

/** Whether a term's words follow each other, with nothing but white space and comment signs between. */
function isAt(text: string, words: readonly Word[], index: number, term: Term): boolean {
  return term.words.every((word, offset) => {
    const found = words[index + offset];
    if (found?.word !== word) return false;
    return offset === 0 ||
      /^[\s_*/#-]*$/.test(text.slice(words[index + offset - 1]!.end, found.at));
  });
}

/**
 * Applies exceptions to uses.
 *
 * @returns the uses that no exception allows, and `path: "word"` for each exception that allows none
 */
export function applyExceptions(
  uses: readonly Use[],
  exceptions: readonly Exception[],
): { offences: Use[]; dead: string[] } {
  const rules = exceptions.flatMap(({ paths, words }) =>
    paths.flatMap((path) => words.map((word) => ({ path, word })))
  );
  const allows = (rule: { path: string; word: string }, { file, term }: Use): boolean =>
    term.words.join(" ") === rule.word && isIn(file, rule.path);
  return {
    offences: uses.filter((use) => !rules.some((rule) => allows(rule, use))),
    dead: rules.filter((rule) => !uses.some((use) => allows(rule, use)))
      .map(({ path, word }) => `${path}: "${word}"`),
  };
}

function isIn(file: string, path: string): boolean {
  return file === path || file.startsWith(`${path}/`);
}

if (import.meta.main) {
  const folders = ["lib", "policies", "examples", "scripts", "tests", "docs"];
  const files = [
    ...await projectFiles(["main.ts", "cli.ts", ...folders], /\.(ts|js|mjs|py|c|h|sh|md)$/),
    ...await projectFiles(["README.md", "CHANGELOG.md", "SECURITY.md"], /\.md$/),
  ];
  const terms = readTerms(await Deno.readTextFile(root + glossary));
  if (terms.length === 0) throw new Error(`${glossary} has no table whose last column is "avoid"`);
  const uses: Use[] = [];
  for (const file of files) {
    uses.push(...findTerms(file, await Deno.readTextFile(root + file), terms));
  }
  const { offences, dead } = applyExceptions(uses, exceptions);
  for (const { file, line, term } of offences) {
    console.error(`${file}:${line}: "${term.words.join(" ")}": write ${term.instead}`);
  }
  for (const exception of dead) {
    console.error(`${exception} is not used there: remove the exception`);
  }
  if (offences.length + dead.length > 0) Deno.exit(1);
  console.log(`${files.length} files, none uses one of ${terms.length} words to avoid`);
}

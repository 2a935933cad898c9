/**
 * Checks that names and texts use the terms of the field. The words to avoid are the quoted ones in the
 * last column of the tables in CONTRIBUTING.md, whose first column says what to write instead. Whole
 * words and phrases count; identifiers and file names are split at camelCase and snake_case.
 *
 * Usage: deno run -A scripts/check/words.ts
 *
 * @module
 */

import { projectFiles, root } from "../project.ts";

const glossary = "CONTRIBUTING.md";

/** Uses that are right, each with its reason. */
const exceptions: readonly {
  /** The whole path of a file, or the folder that it lies in. */
  readonly path: string;
  readonly words: readonly string[];
  readonly reason: string;
}[] = [
  {
    path: "tests/images/wasm/unknown_import.c",
    words: ["door"],
    reason: "name of an import",
  },
  {
    path: "tests/real/wasm_guest_test.ts",
    words: ["door"],
    reason: "name of an import",
  },
  {
    path: "tests/support/functions/hostile_wasm.ts",
    words: ["door"],
    reason: "name of an import",
  },
  {
    path: "tests/real/policy_loader_test.ts",
    words: ["way ms"],
    reason: "former name that policies in files may still use",
  },
  {
    path: "lib/api/body_budget.ts",
    words: ["booked"],
    reason: "part of a field of error responses",
  },
  {
    path: "docs/reference",
    words: ["spares"],
    reason: "former names of a field and a metric",
  },
  {
    path: "lib/runtime/sandbox/HOSTILE.md",
    words: ["door"],
    reason: "name of an import in a test case",
  },
  {
    path: "scripts/bench",
    words: ["spares", "crowded"],
    reason: "names of configuration keys, of fields of the status, and of a scenario",
  },
  {
    path: "scripts/experiments",
    words: ["spares"],
    reason: "part of the names of configuration keys",
  },
  {
    path: "scripts/docs",
    words: ["spares"],
    reason: "part of the names of configuration keys and of the field that has their value",
  },
  {
    path: "scripts/check/words.ts",
    words: [
      "anew",
      "booked",
      "spares",
      "way ms",
      "away ms",
      "crowded",
      "door",
    ],
    reason: "the exceptions themselves",
  },
  {
    path: "scripts/check/words_test.ts",
    words: ["way ms", "anew"],
    reason: "words that the tests look for",
  },
  {
    path: "lib/policy/loader.ts",
    words: ["way ms", "away ms"],
    reason: "former names that policies in files may still use",
  },
  {
    path: "policies/README.md",
    words: ["crowded"],
    reason: "part of the name of a scenario",
  },
  {
    path: "CHANGELOG.md",
    words: ["way ms", "away ms"],
    reason: "the former names of fields",
  },
];

/** A word or phrase to avoid. */
export interface Term {
  /** Its words in lower case. */
  readonly words: readonly string[];
  /** What to write instead. */
  readonly instead: string;
}

/** A place where a term to avoid is used. */
export interface Use {
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
        if (isAt(searched, words, index, term)) uses.push({ term, line: lineOf(at) });
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

if (import.meta.main) {
  const folders = ["lib", "policies", "examples", "scripts", "tests", "docs"];
  const files = [
    ...await projectFiles(["main.ts", "cli.ts", ...folders], /\.(ts|js|mjs|py|c|h|sh|md)$/),
    ...await projectFiles(["README.md", "CHANGELOG.md", "SECURITY.md"], /\.md$/),
  ];
  const terms = readTerms(await Deno.readTextFile(root + glossary));
  if (terms.length === 0) throw new Error(`${glossary} has no table whose last column is "avoid"`);
  let offences = 0;
  for (const file of files) {
    const allowed = exceptions.filter(({ path }) => isIn(file, path)).flatMap(({ words }) => words);
    for (const { term, line } of findTerms(file, await Deno.readTextFile(root + file), terms)) {
      const text = term.words.join(" ");
      if (allowed.includes(text)) continue;
      console.error(`${file}:${line}: "${text}": write ${term.instead}`);
      offences++;
    }
  }
  if (offences > 0) Deno.exit(1);
  console.log(`${files.length} files, none uses one of ${terms.length} words to avoid`);
}

function isIn(file: string, path: string): boolean {
  return file === path || file.startsWith(`${path}/`);
}

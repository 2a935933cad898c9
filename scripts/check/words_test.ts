import assert from "node:assert/strict";
import { applyExceptions, findTerms, readTerms } from "./words.ts";

const glossary = `
| term | meaning | avoid |
| --- | --- | --- |
| generic instance | serves no function yet | \`widget\`, \`widgets\` |
| \`networkMs\` | | \`way ms\` |

| column | last |
| --- | --- |
| not a term | \`thing\` |

| write | avoid |
| --- | --- |
| again | \`once anew\` |
`;
const terms = readTerms(glossary);

/** The terms that are found in a text, with their lines. */
const find = (text: string, path = "a.ts") =>
  findTerms(path, text, terms).map(({ term, line }) => [term.words.join(" "), line]);

Deno.test("readTerms: reads the quoted words of tables whose last column is avoid", () => {
  assert.deepEqual(terms, [
    { words: ["widget"], instead: "generic instance" },
    { words: ["widgets"], instead: "generic instance" },
    { words: ["way", "ms"], instead: "`networkMs`" },
    { words: ["once", "anew"], instead: "again" },
  ]);
});

Deno.test("findTerms: finds words in texts, identifiers and file names, with their lines", () => {
  assert.deepEqual(find("// A widget.\nconst freeWidgets = MAX_WIDGET;"), [
    ["widget", 1],
    ["widgets", 2],
    ["widget", 2],
  ]);
  assert.deepEqual(find("", "lib/widget_pool.ts"), [["widget", 0]]);
});

Deno.test("findTerms: finds phrases across identifiers and the lines of a comment", () => {
  assert.deepEqual(find("x.wayMs;\n * once\n * anew"), [["way ms", 1], ["once anew", 2]]);
});

Deno.test("findTerms: passes over parts of words and words that others separate", () => {
  assert.deepEqual(find("widgetry; bewidget; way of ms; once, anew; thing"), []);
});

Deno.test("applyExceptions: allows words in files and folders, and names exceptions that allow none", () => {
  const uses = [
    ...findTerms("lib/a.ts", "widget", terms),
    ...findTerms("lib/b.ts", "widgets", terms),
    ...findTerms("library.ts", "widget", terms),
  ];
  const { offences, dead } = applyExceptions(uses, [
    { paths: ["lib", "tests"], words: ["widget"], reason: "" },
    { paths: ["lib/a.ts"], words: ["widgets"], reason: "" },
  ]);
  assert.deepEqual(offences.map(({ file }) => file), ["lib/b.ts", "library.ts"]);
  assert.deepEqual(dead, ['tests: "widget"', 'lib/a.ts: "widgets"']);
});

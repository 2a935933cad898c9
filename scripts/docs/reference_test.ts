import assert from "node:assert/strict";
import { commands } from "../../cli.ts";
import { errorCodes } from "../../lib/base/errors.ts";
import { settings } from "../../lib/config/settings.ts";
import { findStale, makePages } from "./reference.ts";

const made = new Map([["a.md", "one\ntwo\n"], ["b.md", "three\n"]]);

Deno.test("findStale: finds nothing where all pages are as they should be", () => {
  assert.deepEqual(findStale(made, new Map(made)), []);
});

Deno.test("findStale: names the page and its first line that differs", () => {
  assert.deepEqual(findStale(made, new Map([...made, ["a.md", "one\nthree\n"]])), [
    "a.md does not say what the code does, line 2",
  ]);
  assert.deepEqual(findStale(made, new Map([...made, ["a.md", "one\ntwo\nthree\n"]])), [
    "a.md does not say what the code does, line 3",
  ]);
});

Deno.test("findStale: names pages that are missing and files that are none", () => {
  assert.deepEqual(findStale(made, new Map([["a.md", "one\ntwo\n"], ["old.md", ""]])), [
    "b.md is missing",
    "old.md is no page of the reference",
  ]);
});

Deno.test("makePages: every command, key and code is on its page", async () => {
  const pages = await makePages();
  const has = (page: string, text: string) => assert.ok(pages.get(page)?.includes(text), text);
  for (const { name } of commands) has("command-line.md", `\n## ${name}\n`);
  for (const key of Object.keys(settings)) has("configuration.md", `\n| \`${key}\`<br>`);
  for (const code of errorCodes) has("errors.md", `\n| \`${code}\` |`);
  has("http-api.md", "`POST /invoke/{fun}`");
  has("limits.md", "| `api.result.max` |");
  has("metrics.md", "\n| `serverledge_requests_total` |");
});

Deno.test("makePages: a page that the code no longer bears out is stale", async () => {
  const pages = await makePages();
  const planted = pages.get("limits.md")!.replace("| 32 MiB |", "| 64 MiB |");
  const [sentence, ...others] = findStale(pages, new Map([...pages, ["limits.md", planted]]));
  assert.match(sentence!, /^limits\.md does not say what the code does, line \d+$/);
  assert.deepEqual(others, []);
});

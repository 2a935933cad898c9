import assert from "node:assert/strict";
import { commands } from "../../cli.ts";
import { manPage } from "./man_page.ts";

Deno.test("manPage: has every command, and no line that roff would misread", () => {
  const page = manPage("2026-01-02");
  for (const { name } of commands) {
    assert.match(page, new RegExp(`^\\.SS serverledge ${name}\\b`, "m"));
  }
  for (const line of page.split("\n").filter((line) => line.startsWith("."))) {
    assert.match(line, /^\.(TH|SH|SS|TP|PP|B|EX|EE|RS|RE)\b/);
  }
});

import assert from "node:assert/strict";
import { ManualClock } from "../base/clock.ts";
import { sampleNode } from "../../tests/contract/registry.ts";
import { KnownMembers, maxAgeMs, maxKnown, type MemberFile } from "./known_members.ts";

/** A file in memory that counts how often it was written. */
class File implements MemberFile {
  writes = 0;
  constructor(public text?: string) {}
  read = () => this.text;
  write = (text: string) => {
    this.text = text;
    this.writes++;
    return Promise.resolve();
  };
}

function remember(file: File, { count = 2, isTold = (): boolean => true } = {}) {
  const clock = new ManualClock();
  const current = () => Array.from({ length: count }, (_, k) => sampleNode(`n${k}`));
  return { clock, known: new KnownMembers({ file, clock, current, isTold }) };
}

const ids = (known: KnownMembers) => known.read().map(({ Id }) => Id);

Deno.test("members that the registry told are read back, until they are too old", async () => {
  const file = new File();
  const { clock, known } = remember(file);
  known.changed();
  known.changed();
  await known[Symbol.asyncDispose]();
  assert.equal(file.writes, 1, "changes in a crowd are one write");
  assert.deepEqual(ids(known), ["n0", "n1"]);
  clock.advance(maxAgeMs);
  assert.deepEqual(ids(known), ["n0", "n1"]);
  clock.advance(1);
  assert.deepEqual(ids(known), []);
});

Deno.test("members do not age while the registry vouches for them, and do while it is away", async () => {
  const file = new File();
  let isTold = true;
  const { clock, known } = remember(file, { isTold: () => isTold });
  known.changed();
  const pass = async (days: number) => {
    for (let hours = 0; hours < days * 24; hours++) {
      clock.advance(3600_000);
      // What is written is written in the next turn of the event loop.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  await pass(10);
  assert.deepEqual(ids(known), ["n0", "n1"]);
  isTold = false;
  const { writes } = file;
  await pass(8);
  assert.equal(file.writes, writes);
  assert.deepEqual(ids(known), []);
  await known[Symbol.asyncDispose]();
});

Deno.test("no more members are kept than are read", async () => {
  const { known } = remember(new File(), { count: maxKnown + 1 });
  known.changed();
  await known[Symbol.asyncDispose]();
  assert.equal(known.read().length, maxKnown);
});

Deno.test("a file that is not what was written counts as none", () => {
  const foreign = { At: 0, Nodes: [{ ...sampleNode("n"), Url: "no url" }] };
  for (const text of ["", "{", "[]", '{"At":0}', JSON.stringify(foreign)]) {
    assert.deepEqual(ids(remember(new File(text)).known), [], text);
  }
});

Deno.test("nothing is written before the registry has told anything", async () => {
  const file = new File();
  await remember(file).known[Symbol.asyncDispose]();
  assert.equal(file.writes, 0);
});

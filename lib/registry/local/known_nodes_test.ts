import assert from "node:assert/strict";
import { ManualClock } from "../../base/clock.ts";
import type { NodeRecord } from "../../model/node.ts";
import { KnownNodes } from "./known_nodes.ts";

const node = (id: string): NodeRecord => ({
  id,
  area: "EDGE",
  role: "node",
  url: "http://10.0.0.1:1323",
  udp: "10.0.0.1:9876",
  architecture: "amd64",
  incarnation: "1",
});

Deno.test("KnownNodes: collects changes, writes them once, and reads them back", () => {
  const clock = new ManualClock();
  const texts: string[] = [];
  const file = { read: () => texts.at(-1), write: (text: string) => void texts.push(text) };
  const known = new KnownNodes(file, clock);
  assert.deepEqual(known.read(), []);
  known.keep([node("a")]);
  known.keep([node("a"), node("b")]);
  assert.equal(texts.length, 0);
  clock.advance(500);
  clock.advance(5000);
  assert.equal(texts.length, 1);
  assert.deepEqual(new KnownNodes(file, clock).read(), [node("a"), node("b")]);
  known.keep([]);
  known[Symbol.dispose]();
  assert.deepEqual([texts.length, known.read()], [2, []]);
});

Deno.test("KnownNodes: tolerates a damaged file and a full disk", () => {
  const clock = new ManualClock();
  const full = () => {
    throw new Error("No space left on device");
  };
  for (const text of ["", "{", "[{}]", '[{"Id":"a"}]']) {
    using known = new KnownNodes({ read: () => text, write: full }, clock);
    assert.deepEqual(known.read(), []);
    known.keep([node("a")]);
  }
});

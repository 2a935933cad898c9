import assert from "node:assert/strict";
import { OutputIntake } from "./output_intake.ts";

type Piece = readonly [id: string | null, text: string];

function listening(): { intake: OutputIntake; pieces: Piece[] } {
  const intake = new OutputIntake();
  const pieces: Piece[] = [];
  intake.listen((id, text) => pieces.push([id, text]));
  return { intake, pieces };
}

Deno.test("OutputIntake: output of calls in flight and recently ended calls, keeps its id", () => {
  const { intake, pieces } = listening();
  intake.receive("a", "running\n", true);
  intake.ended("a");
  intake.receive("a", "late\n", false);
  assert.deepEqual(pieces, [["a", "running\n"], ["a", "late\n"]]);
});

Deno.test("OutputIntake: ids of unknown or long-ended calls, are not believed", () => {
  const { intake, pieces } = listening();
  intake.receive("of another executor", "x\n", false);
  intake.ended("first");
  for (let i = 0; i < 63; i++) intake.ended(String(i));
  intake.receive("first", "remembered\n", false);
  intake.ended("63");
  intake.receive("first", "forgotten\n", false);
  assert.deepEqual(pieces, [[null, "x\n"], ["first", "remembered\n"], [null, "forgotten\n"]]);
});

Deno.test("OutputIntake: output before there is a listener, is kept in order up to a limit", () => {
  const intake = new OutputIntake();
  for (let i = 0; i < 150; i++) intake.receive(null, `${i}\n`, false);
  const texts: string[] = [];
  intake.listen((_, text) => texts.push(text));
  assert.deepEqual(texts, Array.from({ length: 100 }, (_, i) => `${i}\n`));
  intake.receive(null, "later\n", false);
  assert.equal(texts.at(-1), "later\n");
});

Deno.test("OutputIntake: more than 1 MiB in one burst, counts as a flood until it is drained", async () => {
  const { intake } = listening();
  intake.receive(null, "x".repeat(1 << 20), false);
  assert.equal(intake.isFlooded, false);
  intake.receive(null, "x".repeat((1 << 20) + 1), false);
  assert.equal(intake.isFlooded, true);
  await intake.drain();
  assert.equal(intake.isFlooded, false);
});

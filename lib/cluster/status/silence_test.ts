import assert from "node:assert/strict";
import { settle } from "../../../tests/support/fakes/fake_environment.ts";
import { sampleNode } from "../../../tests/contract/registry.ts";
import { ManualClock } from "../../base/clock.ts";
import { Peer } from "../peers/peer.ts";
import { SilenceWatch } from "./silence.ts";

function setUp() {
  const clock = new ManualClock();
  const peer = new Peer(sampleNode("a"));
  const state = { alive: true, asked: 0, givenUp: 0 };
  const watch = new SilenceWatch({
    clock,
    checkMs: 5000,
    isAlive: () => {
      state.asked++;
      return Promise.resolve(state.alive);
    },
  });
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await settle();
    }
  };
  return { clock, peer, state, watch, pass };
}

Deno.test("SilenceWatch: keeps requests on a peer that is slow but answers", async () => {
  const { peer, state, watch, pass } = setUp();
  watch.begin(peer, () => state.givenUp++);
  await pass(600);
  assert.deepEqual([state.givenUp, state.asked], [0, 120]);
});

Deno.test("SilenceWatch: does not ask a peer that answers datagrams", async () => {
  const { clock, peer, state, watch, pass } = setUp();
  state.alive = false;
  watch.begin(peer, () => state.givenUp++);
  for (let k = 0; k < 30; k++) {
    peer.answered(1, clock.now());
    await pass(2);
  }
  assert.deepEqual([state.givenUp, state.asked], [0, 0]);
});

Deno.test("SilenceWatch: gives requests up after three looks in a row without an answer", async () => {
  const { peer, state, watch, pass } = setUp();
  watch.begin(peer, () => state.givenUp++);
  state.alive = false;
  await pass(12);
  state.alive = true;
  await pass(5);
  state.alive = false;
  await pass(12);
  assert.equal(state.givenUp, 0);
  await pass(1);
  assert.equal(state.givenUp, 1);
  await pass(60);
  assert.equal(state.givenUp, 1);
});

Deno.test("SilenceWatch: forgets a peer whose requests have ended", async () => {
  const { peer, state, watch, pass } = setUp();
  const ended = watch.begin(peer, () => state.givenUp++);
  ended();
  state.alive = false;
  await pass(60);
  assert.deepEqual([state.givenUp, state.asked], [0, 0]);
});

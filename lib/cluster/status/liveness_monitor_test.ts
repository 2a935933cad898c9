import assert from "node:assert/strict";
import { settle } from "../../../tests/support/fakes/fake_environment.ts";
import { sampleNode } from "../../../tests/contract/registry.ts";
import { ManualClock } from "../../base/clock.ts";
import { Peer } from "../peers/peer.ts";
import { LivenessMonitor } from "./liveness_monitor.ts";

function setUp() {
  const clock = new ManualClock();
  const peer = new Peer(sampleNode("a"));
  const state = { alive: true, checks: 0, givenUp: 0 };
  const monitor = new LivenessMonitor({
    clock,
    checkMs: 5000,
    isAlive: () => {
      state.checks++;
      return Promise.resolve(state.alive);
    },
  });
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await settle();
    }
  };
  return { clock, peer, state, monitor, pass };
}

Deno.test("LivenessMonitor: keeps requests on a slow peer that responds", async () => {
  const { peer, state, monitor, pass } = setUp();
  monitor.add(peer, () => state.givenUp++);
  await pass(600);
  assert.deepEqual([state.givenUp, state.checks], [0, 120]);
});

Deno.test("LivenessMonitor: does not check a peer that answers datagrams", async () => {
  const { clock, peer, state, monitor, pass } = setUp();
  state.alive = false;
  monitor.add(peer, () => state.givenUp++);
  for (let k = 0; k < 30; k++) {
    peer.probeSucceeded(1, clock.now());
    await pass(2);
  }
  assert.deepEqual([state.givenUp, state.checks], [0, 0]);
});

Deno.test("LivenessMonitor: gives up requests after three failed checks in a row", async () => {
  const { peer, state, monitor, pass } = setUp();
  monitor.add(peer, () => state.givenUp++);
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

Deno.test("LivenessMonitor: forgets a peer whose requests have ended", async () => {
  const { peer, state, monitor, pass } = setUp();
  const ended = monitor.add(peer, () => state.givenUp++);
  ended();
  state.alive = false;
  await pass(60);
  assert.deepEqual([state.givenUp, state.checks], [0, 0]);
});

import assert from "node:assert/strict";
import { PullProgress } from "./pull_progress.ts";

Deno.test("PullProgress: weighs the progress of layers by their size", () => {
  const pull = new PullProgress();
  assert.deepEqual([pull.percent, pull.message], [0, "waiting for the image's registry"]);
  pull.note({ status: "Pulling from library/python", id: "3" });
  pull.note({ status: "Pulling fs layer", id: "a" });
  pull.note({ status: "Downloading", id: "a", progressDetail: { current: 9e6, total: 30e6 } });
  pull.note({ status: "Downloading", id: "b", progressDetail: { current: 1e6, total: 10e6 } });
  assert.deepEqual([pull.percent, pull.message], [25, "10 of 40 MB"]);
});

Deno.test("PullProgress: counts a layer that is being unpacked as complete", () => {
  const pull = new PullProgress();
  pull.note({ status: "Downloading", id: "a", progressDetail: { current: 1, total: 30e6 } });
  pull.note({ status: "Extracting", id: "a", progressDetail: { current: 2, total: 30e6 } });
  assert.deepEqual([pull.percent, pull.message], [100, "unpacking 30 MB"]);
});

Deno.test("PullProgress: may be silent only while no layer needs the registry", () => {
  const cases: [boolean, ...string[]][] = [
    [false],
    [false, "Pulling fs layer"],
    [false, "Downloading"],
    [false, "Pull complete", "Already exists"], // the registry still has to send the configuration
    [false, "Pulling fs layer", "Waiting"],
    [false, "Downloading", "Download complete", "Waiting"],
    [true, "Waiting", "Waiting"],
    [true, "Pull complete", "Waiting"],
    [true, "Download complete"],
    [true, "Verifying Checksum", "Downloading"],
    [true, "Extracting", "Download complete"],
  ];
  for (const [expected, ...states] of cases) {
    const pull = new PullProgress();
    pull.note({ status: "Pulling from library/python", id: "3" });
    states.forEach((status, at) => {
      pull.note({ status: "Pulling fs layer", id: `layer${at}` });
      pull.note({ status, id: `layer${at}` });
    });
    assert.equal(pull.mayBeSilent, expected, states.join());
  }
});

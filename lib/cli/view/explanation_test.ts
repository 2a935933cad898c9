import assert from "node:assert/strict";
import { explanationView } from "./explanation.ts";

Deno.test("explanationView: shows tables and decisions of a policy", () => {
  const text = explanationView({
    Node: "edge-1",
    Policy: "adaptive",
    Explains: true,
    Estimates: { functions: [{ function: "f", meanMs: 12 }, { function: "g", meanMs: null }] },
    Decisions: [{
      AgoMs: 1500,
      Function: "f",
      Class: "fast",
      Decision: "offload",
      To: "edge-2",
      Reason: "400 ms left",
    }],
  });
  assert.match(text, /FUNCTIONS\nfunction +meanMs\nf +12\ng +-/);
  assert.match(text, /1\.5 s +f +fast +offload to edge-2 +400 ms left/);
});

Deno.test("explanationView: says if a policy learns nothing", () => {
  const none = { Node: "edge-1", Policy: "default", Explains: false, Estimates: {}, Decisions: [] };
  assert.match(
    explanationView(none),
    /default of node edge-1, which does not learn\n\nNo decisions yet/,
  );
});

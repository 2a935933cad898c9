import assert from "node:assert/strict";
import { recordedTerminal } from "../../../tests/support/fakes/recorded_terminal.ts";
import { ServerledgeError } from "../../base/errors.ts";
import { reportFailure } from "./failure.ts";

Deno.test("reportFailure: writes an error in one line, and returns the exit status of its code", () => {
  const { written, terminal } = recordedTerminal();
  const error = new ServerledgeError("FUNCTION_UNKNOWN", 'no function "a"\n  here');
  assert.equal(reportFailure(error, terminal, false), 2);
  assert.deepEqual(written, { out: "", err: 'serverledge: no function "a" here\n' });
});

Deno.test("reportFailure: writes traceback and output of a function, and JSON only on request", () => {
  const details = { traceback: "line 1\nline 2\n", output: "said\x1b[2J", answer: '{"code":"X"}' };
  const error = new ServerledgeError("FUNCTION_ERROR", "ValueError: no", { details });
  const { written, terminal } = recordedTerminal();
  assert.equal(reportFailure(error, terminal, false), 5);
  assert.equal(
    written.err,
    "serverledge: ValueError: no\ntraceback:\nline 1\nline 2\noutput:\nsaid\u{FFFD}[2J\n",
  );
  assert.equal(written.out, "");
  const asked = recordedTerminal();
  reportFailure(error, asked.terminal, true);
  assert.equal(asked.written.out, '{\n\t"code": "X"\n}\n');
});

Deno.test("reportFailure: shows a stack only for debugging", () => {
  const quiet = recordedTerminal();
  assert.equal(reportFailure(new TypeError("surprise"), quiet.terminal, false), 2);
  assert.equal(quiet.written.err, "serverledge: surprise\n");
  const loud = recordedTerminal({ SERVERLEDGE_DEBUG: "1" });
  reportFailure(new TypeError("surprise"), loud.terminal, false);
  assert.match(loud.written.err, /caused by TypeError: surprise\n +at /);
});

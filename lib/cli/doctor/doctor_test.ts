import assert from "node:assert/strict";
import { readableFindings } from "../commands/doctor.ts";
import { type Check, fine, problem, runChecks, type Subject } from "./check.ts";
import { assessAuthorities, assessDates } from "./checks/certificates.ts";
import { assessClock } from "./checks/clock.ts";
import { assessKeys } from "./checks/keys.ts";
import { assessSpace } from "./checks/disk.ts";
import { measureOffset } from "./offset.ts";

const subject = {} as Subject;
const dayMs = 86_400_000;

Deno.test("runChecks: a check that throws or hangs is a finding, and the others run", async () => {
  const checks: Check[] = [
    { name: "throws", run: () => Promise.reject(new Error("no such thing")) },
    { name: "hangs", run: () => new Promise(() => {}) },
    { name: "works", run: () => Promise.resolve([fine("all is well")]) },
  ];
  assert.deepEqual(await runChecks(checks, subject, 10), [
    { check: "throws", state: "error", message: "no such thing" },
    { check: "hangs", state: "error", message: "The check did not end within 0.01 s" },
    { check: "works", state: "ok", message: "all is well" },
  ]);
});

Deno.test("measureOffset: compares the server's second with the middle of the exchange", async () => {
  const times = [10_000, 11_000];
  const date = new Date(20_000).toUTCString();
  const { offsetMs } = await measureOffset(
    () => Promise.resolve(new Response("", { headers: { date } })),
    () => times.shift()!,
  );
  assert.equal(offsetMs, 10_000);
  const silent = await measureOffset(() => Promise.resolve(new Response("")), () => 0);
  assert.equal(silent.offsetMs, undefined);
});

Deno.test("assessClock: small differences are fine, large ones are errors of the clock they concern", () => {
  const states = (...offsets: number[]) =>
    assessClock(offsets.map((offsetMs) => ({ name: "x", offsetMs }))).map(({ state }) => state);
  assert.deepEqual(states(), []);
  assert.deepEqual(states(500, -1900), ["ok"]);
  assert.deepEqual(states(500, -5000), ["warning"]);
  assert.deepEqual(states(60_000, 5000), ["error", "warning"]);
  assert.match(
    assessClock([{ name: "node a", offsetMs: -5000 }])[0]!.message,
    /node a is 5.0 s behind/,
  );
});

Deno.test("assessSpace: less than 1 GiB is a warning, less than 64 MiB an error", () => {
  assert.equal(assessSpace("/d", 2 ** 30).state, "ok");
  assert.equal(assessSpace("/d", 2 ** 29).state, "warning");
  assert.equal(assessSpace("/d", 2 ** 20).state, "error");
});

Deno.test("assessDates: the certificate that expires first counts", () => {
  const until = (days: number) => ({ from: 0, to: 100 * dayMs + days * dayMs });
  const state = (...dates: { from: number; to: number }[]) =>
    assessDates("x", dates, 100 * dayMs).state;
  assert.equal(state(until(15)), "ok");
  assert.equal(state(until(15), until(13)), "warning");
  assert.equal(state(until(15), until(0)), "error");
  assert.equal(state({ from: 101 * dayMs, to: 200 * dayMs }), "error");
  assert.equal(state(), "error");
});

Deno.test("assessKeys: tells number, and the keys that have expired, soon do, or are unreadable", () => {
  const now = 100 * dayMs;
  const admin = { name: "root", role: "admin", expires: 0 } as const;
  const key = (name: string, days: number) =>
    ({ name, role: "viewer", expires: now + days * dayMs }) as const;
  const assess = (records: Parameters<typeof assessKeys>[0]["records"], isRequired = true) =>
    assessKeys({ records, damaged: [] }, { isRequired, hasIssuer: false }, now).map(({ state }) =>
      state
    );
  assert.deepEqual(assess([], false), ["ok"]);
  assert.deepEqual(assess([]), ["error"]);
  assert.deepEqual(assess([admin]), ["ok"]);
  assert.deepEqual(assess([{ ...admin, expires: now }], false), ["error", "warning"]);
  const damaged = [{ id: "torn", problem: "its value is not JSON" }];
  const records = [admin, key("old", 0), key("soon", 13), key("late", 15)];
  assert.deepEqual(
    assessKeys({ records, damaged }, { isRequired: true, hasIssuer: true }, now).map((
      { message },
    ) => message),
    [
      "Number of keys: 5",
      "Expired keys: old",
      "Keys that expire within 14 days: soon",
      "Keys whose records are unreadable, so that they are invalid: torn",
    ],
  );
});

Deno.test("assessAuthorities: the authority that expires last counts", () => {
  const until = (days: number) => ({ from: 0, to: 100 * dayMs + days * dayMs });
  const later = { from: 101 * dayMs, to: 200 * dayMs };
  const state = (...dates: { from: number; to: number }[]) =>
    assessAuthorities("x", dates, 100 * dayMs).state;
  assert.equal(state(until(-5), until(15), later), "ok");
  assert.equal(state(until(-5), until(13)), "warning");
  assert.equal(state(until(-5), until(0)), "error");
  assert.equal(state(later), "error");
  assert.equal(state(), "error");
});

Deno.test("readableFindings: problems have their remedy below them, in one line each", () => {
  const results = [
    { check: "a", ...fine("well") },
    { check: "long", ...problem("error", "bad\nthing\x1b[2J", "mend it") },
  ];
  assert.equal(
    readableFindings(results, { colour: false }),
    "ok       a     well\nerror    long  bad thing\u{FFFD}[2J\n               → mend it\n",
  );
});

import assert from "node:assert/strict";
import { greeting } from "./greeting.ts";

const output = { isTerminal: false, colour: false, write: () => {} };

function greet(listen: string, requiresKeys = false, host = listen): string {
  const node = { Url: `http://${host}:1323`, Id: "n1", Area: "ROME" };
  return greeting({ name: "Node", command: "start" }, node, listen, requiresKeys, {
    out: output,
  });
}

Deno.test("greeting: on loopback, says how to open the node, and whether requests need a key", () => {
  for (const listen of ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"]) {
    assert.match(greet(listen), /Only this machine[^]*keys init[^]*--listen 0\.0\.0\.0/, listen);
    assert.match(greet(listen, true), /Only this machine[^]*need a key[^]*--listen/, listen);
    assert.doesNotMatch(greet(listen, true), /keys init/, listen);
  }
});

Deno.test("greeting: on other addresses, says who can run code", () => {
  for (const listen of ["0.0.0.0", "::", "10.0.0.1", "edge-1"]) {
    assert.match(greet(listen), /^Node n1 in area ROME listens on [^]*can run code/, listen);
    assert.doesNotMatch(greet(listen), /Only this machine/);
    assert.match(greet(listen, true), /Requests need a key/);
    assert.doesNotMatch(greet(listen, true), /can run code/);
  }
});

Deno.test("greeting: a node on all addresses names them, and the URL on this machine", () => {
  assert.match(
    greet("0.0.0.0", true, "127.0.0.1"),
    /listens on all addresses of this machine \(0\.0\.0\.0\); here: http:\/\/127\.0\.0\.1:1323\n/,
  );
});

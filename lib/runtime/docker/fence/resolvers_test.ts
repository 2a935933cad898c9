import assert from "node:assert/strict";
import { resolversIn } from "./resolvers.ts";

Deno.test("resolversIn: returns IPv4 name servers once, without loopback and comments", () => {
  const text = `# nameserver 192.0.2.9
search example.org
nameserver 127.0.0.53
nameserver 192.0.2.1
nameserver\t169.254.169.254
nameserver 2001:db8::1
nameserver 192.0.2.1
options edns0`;
  assert.deepEqual(resolversIn(text), ["192.0.2.1", "169.254.169.254"]);
  assert.deepEqual(resolversIn(""), []);
});

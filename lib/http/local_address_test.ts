import assert from "node:assert/strict";
import { isOfNoOther } from "./local_address.ts";

Deno.test("isOfNoOther: recognizes loopback and link-local addresses in every notation", () => {
  const local = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "169.254.169.254",
    "::1",
    "::",
    "fe80::1%eth0",
  ];
  local.push(
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "0:0:0:0:0:0:0:1",
  );
  for (const address of local) assert.ok(isOfNoOther(address, []), address);
  for (const address of ["10.0.0.1", "192.168.1.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"]) {
    assert.ok(!isOfNoOther(address, []), address);
  }
});

Deno.test("isOfNoOther: includes addresses of interfaces and multicast", () => {
  const own = ["192.168.1.7", "2001:db8::7"];
  for (
    const address of ["192.168.1.7", "::ffff:192.168.1.7", "2001:db8::7", "224.0.0.1", "ff02::1"]
  ) {
    assert.ok(isOfNoOther(address, own), address);
  }
  assert.ok(!isOfNoOther("192.168.1.8", own));
  assert.ok(isOfNoOther("::ffff:172.17.0.9", ["172.17.0.1/16"]));
  assert.ok(!isOfNoOther("172.18.0.9", ["172.17.0.1/16"]));
  assert.ok(!isOfNoOther("2001:db8::8", own));
});

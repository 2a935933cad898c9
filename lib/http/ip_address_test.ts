import assert from "node:assert/strict";
import { canonicalIpv6, ipv6Groups } from "./ip_address.ts";

Deno.test("canonicalIpv6: returns one spelling for each address", () => {
  for (const address of ["2001:DB8:0::1", "2001:db8::0:1", "2001:db8:0:0:0:0:0:1%eth0"]) {
    assert.equal(canonicalIpv6(address), "2001:db8::1");
  }
  assert.equal(canonicalIpv6("::ffff:10.0.0.1"), "::ffff:a00:1");
});

Deno.test("ipv6Groups: returns all groups, wherever the gap is", () => {
  assert.deepEqual(ipv6Groups("::"), [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(ipv6Groups("::1"), [0, 0, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual(ipv6Groups("fe80::%eth0"), [0xfe80, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(ipv6Groups("2001:db8::7:1"), [0x2001, 0xdb8, 0, 0, 0, 0, 7, 1]);
  assert.deepEqual(ipv6Groups("1:2:3:4:5:6:7:8"), [1, 2, 3, 4, 5, 6, 7, 8]);
});

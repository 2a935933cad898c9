import assert from "node:assert/strict";
import type { NodeRecord } from "../../model/node.ts";
import { Registrations } from "./registrations.ts";

const record: NodeRecord = {
  id: "a",
  area: "EDGE",
  role: "node",
  url: "http://10.0.0.1:1323",
  udp: "10.0.0.1:9876",
  architecture: "amd64",
  incarnation: "1",
  home: "höme",
};

Deno.test("Registrations: trusts a record as it was signed, and no other", () => {
  const registrations = new Registrations("s3cret");
  const signed = registrations.sign(record);
  assert.equal(registrations.problemOf(signed), undefined);
  assert.match(registrations.problemOf(record)!, /is not signed: it has no cluster.secret/);
  assert.match(new Registrations("other").problemOf(signed)!, /not signed with this node's/);
  const changes: Partial<NodeRecord>[] = [
    { id: "b" },
    { area: "CLOUD" },
    { role: "balancer" },
    { url: "http://evil" },
    { udp: "" },
    { architecture: "arm64" },
    { incarnation: "2" },
    { home: "hume" },
    { signature: "" },
    { signature: "zz" },
  ];
  for (const change of changes) {
    const forged = { ...signed, ...change };
    assert(registrations.problemOf(forged) !== undefined, JSON.stringify(change));
  }
});

import assert from "node:assert/strict";
import { FakeEtcd } from "../../../tests/support/fakes/fake_etcd.ts";
import { settle } from "../../../tests/support/fakes/fake_environment.ts";
import { eventually } from "../../../tests/support/eventually.ts";
import type { Transaction } from "./client/requests.ts";
import { nodeNames, type NodeRecord } from "../../model/node.ts";
import { LeaseLost } from "./cluster.ts";
import { nodesPrefix } from "./keys.ts";
import { NodeRegistration } from "./nodes.ts";

const key = `${nodesPrefix}n`;

/** An etcd with leases, which ends none by itself. */
class Leases extends FakeEtcd {
  granted = 0;
  readonly revoked: string[] = [];
  /** Failure of the next transaction. */
  lost = false;

  constructor() {
    super(nodesPrefix);
  }

  grantLease() {
    return Promise.resolve(`lease-${++this.granted}`);
  }
  keepLease() {
    return Promise.resolve(true);
  }
  revokeLease(lease: string) {
    this.revoked.push(lease);
    return Promise.resolve();
  }
  health() {
    return { ok: true };
  }
  override transact(transaction: Transaction) {
    if (!this.lost) return super.transact(transaction);
    this.lost = false;
    return Promise.reject(new LeaseLost("the lease has expired"));
  }
}

function recordOf(more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id: "n",
    area: "ROME",
    role: "node",
    url: "http://10.0.0.1:1323",
    udp: "10.0.0.1:9876",
    architecture: "amd64",
    incarnation: "second",
    home: "home-1",
    ...more,
  };
}

const wire = (record: NodeRecord) => JSON.stringify(nodeNames.toWire(record));

/** Registers a node where a record may be registered already; gives what is registered then. */
async function registered(found: NodeRecord | undefined, isAlive: boolean, record = recordOf()) {
  const etcd = new Leases();
  if (found) etcd.values.set(key, wire(found));
  const asked: string[] = [];
  const registration = new NodeRegistration(etcd.client, record, (other) => {
    asked.push(other.url);
    return Promise.resolve(isAlive);
  });
  await settle();
  const { conflict } = registration;
  await registration[Symbol.asyncDispose]();
  assert.deepEqual(etcd.revoked, ["lease-1"]);
  return { value: etcd.values.get(key), conflict, asked };
}

Deno.test("NodeRegistration: free id, is registered under a lease that disposal revokes", async () => {
  const { value, conflict, asked } = await registered(undefined, true);
  assert.equal(value, wire(recordOf()));
  assert.equal(conflict, undefined);
  assert.deepEqual(asked, []);
});

Deno.test("NodeRegistration: record of a former process of the node, is replaced without asking it", async () => {
  for (
    const former of [
      recordOf({ incarnation: "first" }),
      recordOf({ incarnation: "first", url: "http://10.0.0.2:1323" }),
      recordOf({ incarnation: "first", home: undefined, url: "http://10.0.0.2:1323" }),
    ]
  ) {
    const { value, asked } = await registered(former, true);
    assert.equal(value, wire(recordOf()));
    assert.deepEqual(asked, []);
  }
});

Deno.test("NodeRegistration: id of another node that responds, stays with that node", async () => {
  const other = recordOf({ home: "home-2", url: "http://10.0.0.2:1323" });
  const { value, conflict, asked } = await registered(other, true);
  assert.equal(value, wire(other));
  assert.equal(conflict?.url, other.url);
  assert.deepEqual(asked, [other.url]);
});

Deno.test("NodeRegistration: id of another node that does not respond, is taken over", async () => {
  const other = recordOf({ home: "home-2", url: "http://10.0.0.2:1323" });
  const { value, conflict } = await registered(other, false);
  assert.equal(value, wire(recordOf()));
  assert.equal(conflict, undefined);
});

Deno.test("NodeRegistration: unreadable record, is replaced", async () => {
  const etcd = new Leases();
  etcd.values.set(key, "no JSON");
  await using _registration = new NodeRegistration(etcd.client, recordOf(), () => {
    throw new Error("nobody to ask");
  });
  await settle();
  assert.equal(etcd.values.get(key), wire(recordOf()));
});

Deno.test("NodeRegistration: lease is lost, registers again under a new one", async () => {
  const etcd = new Leases();
  etcd.lost = true;
  await using _registration = new NodeRegistration(etcd.client, recordOf(), () => {
    throw new Error("nobody to ask");
  });
  await eventually("it is registered again", () => etcd.values.has(key));
  assert.equal(etcd.granted, 2);
});

import assert from "node:assert/strict";
import { unlimitedGrant } from "../access/key.ts";
import { anyone, clusterMember, GrantedPrincipal, stranger } from "../access/principal.ts";
import { HeaderList } from "../http/server/messages.ts";
import { defaultClass, QosClasses } from "../model/qos.ts";
import { forwardedHop, permittedClass } from "./admission.ts";

const nodeClasses = new QosClasses([
  { ...defaultClass, name: "critical", id: 1 },
  { ...defaultClass, name: "batch", id: 2 },
]);

function keyWith(...classes: string[]): GrantedPrincipal {
  return new GrantedPrincipal("id", { ...unlimitedGrant("k", "invoker"), classes }, () => false);
}

Deno.test("permittedClass: a key without classes may name any class", () => {
  for (const named of [0, 1, "batch", "default"]) {
    assert.equal(permittedClass(named, keyWith(), nodeClasses), named);
    assert.equal(permittedClass(named, anyone, nodeClasses), named);
  }
});

Deno.test("permittedClass: an unknown number is the default class, an unknown name is refused", () => {
  assert.equal(permittedClass(7, anyone, nodeClasses), 7);
  assert.throws(() => permittedClass("critcal", anyone, nodeClasses), {
    code: "UNPROCESSABLE",
    message: /no QoS class "critcal".*did you mean critical\?/,
  });
  const strict = keyWith("batch");
  assert.throws(() => permittedClass(7, strict, nodeClasses), { code: "FORBIDDEN" });
  assert.throws(() => permittedClass("critcal", strict, nodeClasses), { code: "UNPROCESSABLE" });
  assert.equal(permittedClass(7, keyWith("default"), nodeClasses), 7);
});

Deno.test("permittedClass: a request that names none has the key's first class", () => {
  assert.equal(permittedClass(0, keyWith("batch", "critical"), nodeClasses), "batch");
  assert.equal(permittedClass(0, keyWith("batch", "default"), nodeClasses), 0);
  assert.equal(permittedClass(2, keyWith("batch"), nodeClasses), 2);
  assert.throws(() => permittedClass("critical", keyWith("batch"), nodeClasses), {
    code: "FORBIDDEN",
  });
});

Deno.test("permittedClass: a class that this node does not have is not the default class", () => {
  for (const named of [0, 7, "default"]) {
    assert.throws(() => permittedClass(named, keyWith("gold"), nodeClasses), {
      code: "FORBIDDEN",
      message:
        'The key "k" may not use class "default": it may use gold (this node has no class gold)',
    });
  }
  assert.throws(() => permittedClass(0, keyWith("1"), nodeClasses), { code: "FORBIDDEN" });
});

Deno.test("permittedClass: a stranger has the default class", () => {
  const someone = stranger(() => true);
  for (const named of [0, "default", 7]) {
    assert.equal(permittedClass(named, someone, nodeClasses), named);
  }
  assert.throws(() => permittedClass("critical", someone, nodeClasses), { code: "FORBIDDEN" });
});

Deno.test("forwardedHop: only a node, or anyone on an open node, may forward a request", () => {
  const headers = new HeaderList([
    ["serverledge-request-id", "f-1"],
    ["serverledge-hops-left", "1"],
    ["serverledge-budget-ms", "1000"],
    ["serverledge-origin-area", "ROME"],
  ]);
  for (const principal of [anyone, clusterMember]) {
    assert.equal(forwardedHop({ headers }, principal)?.id, "f-1");
  }
  for (const principal of [keyWith(), stranger(() => true)]) {
    assert.throws(() => forwardedHop({ headers }, principal), { code: "UNAUTHORIZED" });
    assert.equal(forwardedHop({ headers: new HeaderList([]) }, principal), undefined);
  }
});

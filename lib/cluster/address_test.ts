import assert from "node:assert/strict";
import { loopbackProblem, ownAddress, registeredAs } from "./address.ts";

const interfaces = () =>
  [
    { name: "lo", address: "127.0.0.1", family: "IPv4" },
    { name: "docker0", address: "172.17.0.1", family: "IPv4" },
    { name: "eth0", address: "fe80::1", family: "IPv6" },
    { name: "eth0", address: "10.0.0.5", family: "IPv4" },
  ] as const;

Deno.test("ownAddress: returns api.ip, else api.listen, else the first external address", () => {
  assert.equal(ownAddress("192.0.2.7", "0.0.0.0", interfaces), "192.0.2.7");
  assert.equal(ownAddress("", "10.1.1.1", interfaces), "10.1.1.1");
  assert.equal(ownAddress("", "localhost", interfaces), "127.0.0.1");
  assert.equal(ownAddress("", "0.0.0.0", interfaces), "10.0.0.5");
  assert.equal(ownAddress("", "::", () => []), "127.0.0.1");
});

Deno.test("registeredAs: names the registered address only if it differs", () => {
  const url = "http://0.0.0.0:1323";
  assert.equal(
    registeredAs(url, "http://10.0.0.5:1323"),
    ", for other nodes at http://10.0.0.5:1323",
  );
  for (const same of [url, "", undefined]) assert.equal(registeredAs(url, same), "");
});

Deno.test("loopbackProblem: names the address and the keys if etcd is on another machine", () => {
  const problem = loopbackProblem("http://127.0.0.1:1323", ["10.0.0.2:2379"]);
  assert.match(
    problem!,
    /http:\/\/127\.0\.0\.1:1323, .* 10\.0\.0\.2:2379; set api\.ip or api\.url/,
  );
  assert(loopbackProblem("http://[::1]:1323", ["localhost:2379", "https://etcd:2379"]));
  for (
    const [url, endpoint] of [
      ["http://127.0.0.1:1323", "localhost:2379"],
      ["http://localhost:1323", "http://127.0.0.1:2379"],
      ["http://10.0.0.5:1323", "10.0.0.2:2379"],
      ["https://node.example.org", "etcd:2379"],
    ] as const
  ) assert.equal(loopbackProblem(url, [endpoint]), undefined);
});

Deno.test("loopbackProblem: names api.listen if a node registers an address nobody can connect to", () => {
  const problem = (listen?: string) =>
    loopbackProblem("http://10.0.0.5:1323", ["10.0.0.2:2379"], listen);
  assert.match(problem("127.0.0.1")!, /listens on 127\.0\.0\.1 only.*10\.0\.0\.5.*set api\.listen/);
  for (const listen of ["0.0.0.0", "10.0.0.5", undefined]) assert.equal(problem(listen), undefined);
});

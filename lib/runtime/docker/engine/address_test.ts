import assert from "node:assert/strict";
import { engineAddress } from "./address.ts";

function address(env: Record<string, string>) {
  return engineAddress((name) => env[name]);
}

Deno.test("engineAddress: without DOCKER_HOST, returns the default socket", () => {
  assert.deepEqual(address({}), {
    text: "unix:///var/run/docker.sock",
    base: "http://docker",
    socket: "/var/run/docker.sock",
  });
});

Deno.test("engineAddress: reads a socket or a host from DOCKER_HOST", () => {
  assert.equal(
    address({ DOCKER_HOST: "unix:///run/user/1000/docker.sock" }).socket,
    "/run/user/1000/docker.sock",
  );
  assert.deepEqual(address({ DOCKER_HOST: "tcp://10.0.0.1:2375/" }), {
    text: "tcp://10.0.0.1:2375/",
    base: "http://10.0.0.1:2375",
  });
});

Deno.test("engineAddress: uses TLS if DOCKER_TLS_VERIFY is set", () => {
  const env = { DOCKER_HOST: "tcp://h:2376", DOCKER_TLS_VERIFY: "1", HOME: "/home/me" };
  const { base, certificates } = address(env);
  assert.equal(base, "https://h:2376");
  assert.equal(certificates, "/home/me/.docker");
  assert.equal(address({ ...env, DOCKER_CERT_PATH: "/certs" }).certificates, "/certs");
});

Deno.test("engineAddress: throws if the kind of address is not supported", () => {
  for (const host of ["ssh://me@there", "npipe:////./pipe/docker", "/var/run/docker.sock"]) {
    assert.throws(() => address({ DOCKER_HOST: host }), { code: "ENGINE_UNAVAILABLE" });
  }
});

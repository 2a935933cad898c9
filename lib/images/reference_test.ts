import assert from "node:assert/strict";
import { familiarName, isImage, registryOf } from "./reference.ts";

const names: [string, string][] = [
  ["python", "python:latest"],
  ["python:3-slim", "python:3-slim"],
  ["docker.io/library/python:3", "python:3"],
  ["index.docker.io/library/python", "python:latest"],
  ["docker.io/someone/thing", "someone/thing:latest"],
  ["localhost:5000/thing", "localhost:5000/thing:latest"],
  ["localhost:5000/thing:1", "localhost:5000/thing:1"],
  ["thing@sha256:ab", "thing@sha256:ab"],
  ["thing:1@sha256:ab", "thing@sha256:ab"],
  ["sha256:abcd", "sha256:abcd"],
];

for (const [written, listed] of names) {
  Deno.test(`familiarName: ${written} is listed as ${listed}`, () => {
    assert.equal(familiarName(written), listed);
  });
}

Deno.test("isImage: matches exact names only", () => {
  const image = {
    Id: "sha256:cafe12",
    RepoTags: ["foobar:latest", "other:1"],
    RepoDigests: ["foobar@sha256:beef"],
  };
  assert.ok(isImage("foobar", image));
  assert.ok(isImage("docker.io/library/foobar", image));
  assert.ok(isImage("other:1", image));
  assert.ok(isImage("foobar@sha256:beef", image));
  assert.ok(isImage("sha256:cafe12", image));
  assert.ok(!isImage("foo", image));
  assert.ok(!isImage("other", image));
  assert.ok(!isImage("cafe12", image), "digits of the id are no name");
  assert.ok(!isImage("x", { Id: "sha256:cafe12", RepoTags: null }));
});

Deno.test("registryOf: is the first part of a reference if that is a host", () => {
  for (
    const image of ["python", "library/python:3", "me/app", "docker.io/me/app", "index.docker.io/a"]
  ) {
    assert.equal(registryOf(image), "docker.io", image);
  }
  assert.equal(registryOf("ghcr.io/me/app:1"), "ghcr.io");
  assert.equal(registryOf("localhost/app"), "localhost");
  assert.equal(registryOf("127.0.0.1:5000/a/b@sha256:00"), "127.0.0.1:5000");
});

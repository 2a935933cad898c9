import assert from "node:assert/strict";
import { familiarName, isImage } from "./reference.ts";

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

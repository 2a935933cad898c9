import assert from "node:assert/strict";
import { Engine } from "../../../lib/runtime/docker/engine/engine.ts";
import { ImageRecords } from "../../../lib/images/records.ts";
import { Images } from "../../../lib/runtime/docker/images/images.ts";
import { eventually } from "../../support/eventually.ts";
import { scriptedEngine } from "../../support/fakes/scripted_engine.ts";

const missing = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const line = JSON.stringify({
  status: "Downloading",
  id: "a",
  progressDetail: { current: 5e6, total: 20e6 },
});
/** A pull that has come to a quarter and comes no further. */
const begin = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" +
  `Transfer-Encoding: chunked\r\n\r\n${(line.length + 1).toString(16)}\r\n${line}\n\r\n`;

Deno.test("a pull is reported while it is under way", async () => {
  const engine = new Engine();
  let failed: Promise<void>;
  const images = new Images(
    engine,
    false,
    new ImageRecords({ read: () => undefined, write: () => {} }),
  );
  {
    await using _engine = await scriptedEngine((request) =>
      request.startsWith("POST") ? { begin } : missing
    );
    failed = assert.rejects(images.ensure("some/image:1", ""), { code: "ENGINE_UNAVAILABLE" });
    await eventually("the pull is reported", () => images.pulls()[0]?.percent === 25);
    assert.deepEqual(images.pulls(), [
      { image: "some/image:1", percent: 25, message: "5 of 20 MB" },
    ]);
  }
  await failed;
  assert.deepEqual(images.pulls(), []);
  engine[Symbol.dispose]();
});

/** An answer of the engine with a JSON body. */
function reply(status: string, body: unknown): string {
  const text = JSON.stringify(body);
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${text.length}\r\n\r\n${text}`;
}

Deno.test("an image that cannot be refreshed is used as it is, if it is present", async () => {
  const local = "built/here:1";
  const found = { Id: "sha256:1", RepoTags: [local], Size: 1, Architecture: "amd64" };
  const pulls: string[] = [];
  await using _engine = await scriptedEngine((request) => {
    if (request.startsWith("POST")) {
      pulls.push(request);
      return reply("500 Internal Server Error", { message: "no such host" });
    }
    return request.includes("here") ? reply("200 OK", found) : missing;
  });
  using engine = new Engine();
  const records = new ImageRecords({ read: () => undefined, write: () => {} });
  const images = new Images(engine, false, records);
  assert.equal(await images.refresh(local, ""), false);
  await assert.rejects(images.refresh("built/elsewhere:1", ""), { code: "ENGINE_REFUSED" });
  // A client that asks for the pull itself learns that it failed.
  await assert.rejects(images.ensure(local, "", true), { code: "ENGINE_REFUSED" });
  assert.equal(pulls.length, 3);

  const refreshing = new Images(engine, true, records);
  assert.equal(await refreshing.ensure(local, ""), false);
  assert.equal(await refreshing.ensure(local, ""), false);
  assert.equal(pulls.length, 4, "factory.images.refresh pulls an image once");
});

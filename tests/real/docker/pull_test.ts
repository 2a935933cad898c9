import assert from "node:assert/strict";
import { Engine } from "../../../lib/runtime/docker/engine/engine.ts";
import { ImageRecords } from "../../../lib/images/records.ts";
import { Images } from "../../../lib/runtime/docker/images/images.ts";
import { eventually } from "../../support/eventually.ts";
import { engineReply, scriptedEngine } from "../../support/fakes/scripted_engine.ts";

const missing = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/** A pull that reports one event and comes no further. */
function pullOf(event: object): string {
  const line = JSON.stringify(event);
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" +
    `Transfer-Encoding: chunked\r\n\r\n${(line.length + 1).toString(16)}\r\n${line}\n\r\n`;
}

/** A pull that has come to a quarter. */
const begin = pullOf({
  status: "Downloading",
  id: "a",
  progressDetail: { current: 5e6, total: 20e6 },
});

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

Deno.test("Images: a pull that waits for the engine outlives one whose registry sends nothing", async () => {
  using engine = new Engine();
  const records = new ImageRecords({ read: () => undefined, write: () => {} });
  const images = new Images(engine, false, records, 200);
  let failed: Promise<void>;
  {
    const waiting = pullOf({ status: "Waiting", id: "a" });
    await using _engine = await scriptedEngine((request) => {
      if (!request.startsWith("POST")) return missing;
      return { begin: request.includes("waiting") ? waiting : begin };
    });
    failed = assert.rejects(images.ensure("waiting/image:1", ""), { code: "ENGINE_UNAVAILABLE" });
    await eventually("the pull waits", () => images.pulls().length === 1);
    for (const image of ["stalled/image:1", "stalled/image:2"]) {
      await assert.rejects(images.ensure(image, ""), { code: "ENGINE_REFUSED" });
    }
    assert.deepEqual(images.pulls().map(({ image }) => image), ["waiting/image:1"]);
  }
  await failed;
});

Deno.test("an image that cannot be refreshed is used as it is, if it is present", async () => {
  const local = "built/here:1";
  const found = { Id: "sha256:1", RepoTags: [local], Size: 1, Architecture: "amd64" };
  const pulls: string[] = [];
  await using _engine = await scriptedEngine((request) => {
    if (request.startsWith("POST")) {
      pulls.push(request);
      return engineReply("500 Internal Server Error", JSON.stringify({ message: "no such host" }));
    }
    return request.includes("here") ? engineReply("200 OK", JSON.stringify(found)) : missing;
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

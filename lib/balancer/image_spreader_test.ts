import assert from "node:assert/strict";
import { settle } from "../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../base/clock.ts";
import type { Addressee } from "../cluster/peers/node_client.ts";
import type { WholeResponse } from "../http/client.ts";
import type { HttpRequest } from "../http/request.ts";
import { ImageSpreader } from "./image_spreader.ts";
import { Target } from "./target_table.ts";

function setUp() {
  const clock = new ManualClock();
  const sent: { url: string; body: unknown; end(status: number): void }[] = [];
  const client = {
    ask(
      { url }: Addressee,
      { path, body }: HttpRequest,
      signal: AbortSignal,
    ): Promise<WholeResponse> {
      const { promise, resolve, reject } = Promise.withResolvers<WholeResponse>();
      signal.addEventListener("abort", () => reject(new Error("closed")));
      sent.push({
        url: `${url}${path}`,
        body: JSON.parse(new TextDecoder().decode(body as Uint8Array)),
        end: (status) => resolve({ status, headers: [], body: new Uint8Array() }),
      });
      return promise;
    },
  };
  const node = (id: string, freeMemoryMib: number) => {
    const target = new Target({
      id,
      area: "CLOUD",
      role: "node",
      url: `http://${id}`,
      udp: "",
      architecture: "amd64",
      incarnation: "1",
    }, clock);
    target.updateResources({ freeMemoryMib, freeCpu: 1 });
    return target;
  };
  return { clock, sent, spreader: new ImageSpreader(client, clock), node };
}

const f = { name: "f", need: "python" };

Deno.test("ImageSpreader: asks the node with the most free memory, one at a time, with a pause", async () => {
  const { clock, sent, spreader, node } = setUp();
  const lacking = [node("a", 10), node("b", 30), node("c", 20)];
  for (let k = 0; k < 3; k++) spreader.request(f, lacking);
  spreader.request({ name: "g", need: "python" }, lacking);
  assert.deepEqual(sent.map(({ url, body }) => [url, body]), [
    ["http://b/prewarm", { Function: "f", Instances: 0 }],
  ]);
  sent[0]!.end(200);
  await settle();
  clock.advance(59_999);
  spreader.request(f, lacking);
  assert.equal(sent.length, 1);
  clock.advance(1);
  spreader.request(f, lacking);
  assert.equal(sent.length, 2);
  sent[1]!.end(502);
  await spreader[Symbol.asyncDispose]();
});

Deno.test("ImageSpreader: bounds parallel fetches, and asks nobody after disposal", async () => {
  const { sent, spreader, node } = setUp();
  for (let k = 0; k < 9; k++) {
    spreader.request({ name: `f${k}`, need: `need ${k}` }, [node("a", 1)]);
  }
  assert.equal(sent.length, 4);
  spreader.request(f, []);
  await spreader[Symbol.asyncDispose]();
  spreader.request(f, [node("a", 1)]);
  assert.equal(sent.length, 4);
});

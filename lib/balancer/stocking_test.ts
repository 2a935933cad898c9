import assert from "node:assert/strict";
import { settle } from "../../tests/support/fakes/fake_environment.ts";
import { ManualClock } from "../base/clock.ts";
import type { WholeResponse } from "../http/client.ts";
import type { HttpRequest } from "../http/request.ts";
import { Stocking } from "./stocking.ts";
import { Target } from "./target_table.ts";

function setUp() {
  const clock = new ManualClock();
  const asked: { url: string; body: unknown; end(status: number): void }[] = [];
  const client = {
    ask(url: string, { path, body }: HttpRequest, signal: AbortSignal): Promise<WholeResponse> {
      const { promise, resolve, reject } = Promise.withResolvers<WholeResponse>();
      signal.addEventListener("abort", () => reject(new Error("closed")));
      asked.push({
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
    target.told({ freeMemoryMib, freeCpu: 1 });
    return target;
  };
  return { clock, asked, stocking: new Stocking(client, clock), node };
}

const f = { name: "f", need: "python" };

Deno.test("the node with most room is asked, one at a time for an image, and not again at once", async () => {
  const { clock, asked, stocking, node } = setUp();
  const lacking = [node("a", 10), node("b", 30), node("c", 20)];
  for (let k = 0; k < 3; k++) stocking.want(f, lacking);
  stocking.want({ name: "g", need: "python" }, lacking);
  assert.deepEqual(asked.map(({ url, body }) => [url, body]), [
    ["http://b/prewarm", { Function: "f", Instances: 0 }],
  ]);
  asked[0]!.end(200);
  await settle();
  clock.advance(59_999);
  stocking.want(f, lacking);
  assert.equal(asked.length, 1);
  clock.advance(1);
  stocking.want(f, lacking);
  assert.equal(asked.length, 2);
  asked[1]!.end(502);
  await stocking[Symbol.asyncDispose]();
});

Deno.test("few images are fetched at once, and none once it has stopped", async () => {
  const { asked, stocking, node } = setUp();
  for (let k = 0; k < 9; k++) stocking.want({ name: `f${k}`, need: `need ${k}` }, [node("a", 1)]);
  assert.equal(asked.length, 4);
  stocking.want(f, []);
  await stocking[Symbol.asyncDispose]();
  stocking.want(f, [node("a", 1)]);
  assert.equal(asked.length, 4);
});

import assert from "node:assert/strict";
import { get } from "../support/client.ts";
import { Continuum, type Member, sees } from "../support/continuum.ts";
import { eventually } from "../support/eventually.ts";

const problemOf = async ({ url }: Member, other: Member): Promise<string | null> => {
  const { Nodes } = (await get(`${url}/nodes`)).body;
  return Nodes.find(({ Id }: { Id: string }) => Id === other.id)?.Problem ?? null;
};

const warnings = ({ log }: Member) =>
  log().split("\n").filter((line) => line.includes("do not understand each other"));

Deno.test("nodes with different secrets say so on both sides, until that is mended", async () => {
  await using world = await Continuum.start();
  const config = { "scheduler.policy": "edgeonly" };
  const one = await world.join("edge-1", "EDGE", config);
  const stray = await world.join("edge-2", "EDGE", { ...config, "cluster.secret": "another" });
  const pairs = [[one, stray], [stray, one]] as const;
  for (const [node, other] of pairs) {
    await eventually(
      "it tells what is wrong",
      async () => await problemOf(node, other) === "its cluster.secret is not this node's",
    );
    await sees(node, []);
  }
  for (const [node] of pairs) assert.equal(warnings(node).length, 1, node.log());
  const { stdout } = await one.cli(["nodes", "--json"]);
  assert.match(stdout, /its cluster.secret is not this node's/);
  await stray.kill();
  const mended = await world.join("edge-2", "EDGE", config);
  await sees(one, [mended]);
  await sees(mended, [one]);
  assert.equal(await problemOf(one, mended), null);
});

import assert from "node:assert/strict";
import * as v from "valibot";
import { nodeNames, storedNodeSchema } from "./node.ts";

Deno.test("nodeNames.toWire: writes the stored format of the registry, byte for byte", () => {
  const stored = '{"Id":"edge-1","Area":"ROME","Role":"node","Url":"http://10.0.0.5:1323",' +
    '"Udp":"10.0.0.5:1323","Architecture":"arm64","Incarnation":"a1","Home":"h1"}';
  const record = v.parse(storedNodeSchema, JSON.parse(stored));
  assert.deepEqual([record.id, record.udp, record.home], ["edge-1", "10.0.0.5:1323", "h1"]);
  assert.equal(JSON.stringify(nodeNames.toWire(record)), stored);
});

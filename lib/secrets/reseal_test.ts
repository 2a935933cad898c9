import assert from "node:assert/strict";
import { KeyRing } from "./key_ring.ts";
import { reseal } from "./reseal.ts";

const keyOf = (byte: number) => new Uint8Array(32).fill(byte).toBase64();
const ring = (setting: string) => new KeyRing({ setting, file: "/none", mayCreate: false });

Deno.test("reseal: a record that is changed in the meantime is no success", async () => {
  const record = await ring(keyOf(1)).seal("login ghcr.io", new TextEncoder().encode("value"));
  const resealing = (isUnchanged: boolean, setting = `${keyOf(2)} ${keyOf(1)}`) =>
    reseal(ring(setting), {
      collection: { replace: () => Promise.resolve(isUnchanged) },
      records: [record],
      nameOf: () => "login ghcr.io",
      describe: () => "the login to ghcr.io",
    });
  const { id } = await ring(keyOf(2)).encrypting();
  assert.equal(await resealing(true), id);
  const code = "UNPROCESSABLE";
  const changed = /^Cannot encrypt the login to ghcr\.io again: it was changed .* rotate again$/;
  await assert.rejects(resealing(false), { code, message: changed });
  const unreadable = /^Cannot encrypt the login to ghcr\.io again: it is encrypted with the key/;
  await assert.rejects(resealing(true, keyOf(2)), { code, message: unreadable });
});

import assert from "node:assert/strict";
import { keyBytes, seal, secretKey, unseal } from "./cipher.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const [one, other] = await Promise.all(
  [1, 2].map((byte) => secretKey(new Uint8Array(keyBytes).fill(byte))),
);

Deno.test("seal: encrypts a value with a new nonce each time, and unseal decrypts it", async () => {
  const value = bytes("correct horse battery staple");
  const [first, second] = await Promise.all([1, 2].map(() => seal(one!, "A", value)));
  assert.notEqual(first!.nonce, second!.nonce);
  assert.notEqual(first!.data, second!.data);
  assert.equal(first!.keyId, one!.id);
  const data = new TextDecoder("latin1").decode(Uint8Array.fromBase64(first!.data));
  assert(!data.includes("horse"));
  assert.deepEqual(await unseal(one!, "A", first!), value);
});

Deno.test("unseal: refuses another key, another name and changed data", async () => {
  const sealed = await seal(one!, "A", bytes("value"));
  const changed = Uint8Array.fromBase64(sealed.data);
  changed[0]! ^= 1;
  assert.equal(await unseal(other!, "A", sealed), undefined);
  assert.equal(await unseal(one!, "B", sealed), undefined);
  assert.equal(await unseal(one!, "A", { ...sealed, data: changed.toBase64() }), undefined);
  assert.equal(await unseal(one!, "A", { ...sealed, nonce: "" }), undefined);
  assert.notEqual(one!.id, other!.id);
});

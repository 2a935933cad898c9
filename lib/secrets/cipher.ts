/**
 * Encryption of secrets with AES-256-GCM (NIST SP 800-38D).
 *
 * @module
 */

/** Size of a key, bytes. */
export const keyBytes = 32;
/** Size of a nonce, bytes. Nonces are random, which is safe for 2^32 encryptions with one key. */
const nonceBytes = 12;

/** Key that encrypts secrets. */
export interface SecretKey {
  /** Identifier, which is derived from the key. */
  readonly id: string;
  readonly key: CryptoKey;
}

/** Encrypted value. */
export interface Sealed {
  /** Id of the key. */
  readonly keyId: string;
  /** Nonce in base64. */
  readonly nonce: string;
  /** Ciphertext and tag in base64. */
  readonly data: string;
}

/** Creates a key from its bytes. */
export async function secretKey(bytes: Uint8Array<ArrayBuffer>): Promise<SecretKey> {
  const label = new TextEncoder().encode("serverledge secrets key");
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array([...label, ...bytes]));
  const id = new Uint8Array(digest, 0, 6).toHex();
  const uses: KeyUsage[] = ["encrypt", "decrypt"];
  return { id, key: await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, uses) };
}

/**
 * Encrypts a value.
 *
 * @param name name of the secret, which the ciphertext is bound to
 */
export async function seal(
  { id, key }: SecretKey,
  name: string,
  value: Uint8Array<ArrayBuffer>,
): Promise<Sealed> {
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const data = await crypto.subtle.encrypt(parameters(nonce, name), key, value);
  return { keyId: id, nonce: nonce.toBase64(), data: new Uint8Array(data).toBase64() };
}

/**
 * Decrypts a value.
 *
 * @returns undefined if the ciphertext was changed, or belongs to another name or key
 */
export async function unseal(
  { key }: SecretKey,
  name: string,
  { nonce, data }: Sealed,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const how = parameters(Uint8Array.fromBase64(nonce), name);
    return new Uint8Array(await crypto.subtle.decrypt(how, key, Uint8Array.fromBase64(data)));
  } catch {
    return undefined;
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, name: string): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(name) };
}

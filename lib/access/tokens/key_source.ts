/**
 * Where the public keys of an identity provider come from: a file or a URL.
 *
 * @module
 */

import { concatBytes } from "../../base/bytes.ts";
import type { Trust } from "../../http/tls/trust.ts";

/** Maximum size of a key set, bytes. */
const maxBytes = 1 << 20;
/** Maximum time for a response, ms. */
const timeoutMs = 5_000;

/** Source of a JSON Web Key Set (RFC 7517). */
export interface KeySource {
  /** Path or URL. */
  readonly location: string;
  /** Interval between reads, ms. */
  readonly intervalMs: number;
  /** Minimum time between a read and another one for a token whose key is unknown, ms. */
  readonly coolDownMs: number;
  /** Reads the set. @throws if it cannot be read */
  read(): Promise<string>;
}

/** A small file, read often instead of watched. */
export function fileSource(path: string): KeySource {
  return {
    location: path,
    intervalMs: 2_000,
    coolDownMs: 500,
    async read() {
      const { size } = await Deno.stat(path);
      if (size > maxBytes) throw tooLarge();
      return await Deno.readTextFile(path);
    },
  };
}

/**
 * A URL.
 *
 * @param trust certificates that are accepted in addition to those of public authorities
 */
export function urlSource(url: string, trust?: Trust): KeySource {
  return {
    location: url,
    intervalMs: 300_000,
    coolDownMs: 5_000,
    async read() {
      const caCerts = [...await trust?.certificates() ?? []];
      using client = Deno.createHttpClient({ caCerts });
      const signal = AbortSignal.timeout(timeoutMs);
      const headers = { accept: "application/jwk-set+json, application/json" };
      const response = await fetch(url, { client, signal, headers, redirect: "manual" });
      if (response.status === 200) return await textOf(response);
      await response.body?.cancel();
      throw new Error(`HTTP status ${response.status}`);
    },
  };
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxBytes) throw tooLarge();
    parts.push(part);
  }
  return new TextDecoder().decode(concatBytes(parts));
}

function tooLarge(): Error {
  return new Error(`larger than ${maxBytes} bytes`);
}

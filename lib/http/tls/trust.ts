/**
 * Certificates that a client trusts in addition to those of public authorities.
 *
 * @module
 */

import { logger } from "../../base/log.ts";
import { readPemFile } from "../../base/pem_file.ts";
import { versionOf } from "./file_version.ts";

const log = logger("tls");

/** Source of trusted certificates. */
export interface Trust {
  /** Returns the certificates, PEM. Called for each new connection. */
  certificates(): Promise<readonly string[]>;
}

/**
 * Trusts one certificate that its server has signed itself, or a CA.
 *
 * @param pem certificate
 */
export function trustCertificate(pem: string): Trust {
  return { certificates: () => Promise.resolve([pem]) };
}

/** Trusts the certificates in a file, which is read again when it changes. */
export class TrustFile implements Trust {
  readonly #setting: string;
  readonly #path: string;
  #certificates: readonly string[];
  #version: string | undefined;

  /**
   * Reads the file.
   *
   * @param setting name of the setting or option with the path, for messages
   * @param path PEM file
   * @throws `CONFIG_INVALID` if it has no certificate
   */
  constructor(setting: string, path: string) {
    this.#setting = setting;
    this.#path = path;
    this.#certificates = this.#read();
  }

  /** Returns the certificates; those that were read last if the file has become unusable. */
  async certificates(): Promise<readonly string[]> {
    const version = await versionOf(this.#path);
    if (version === this.#version) return this.#certificates;
    try {
      this.#certificates = this.#read();
    } catch (error) {
      log.warn("Trusts the former certificates: {reason}", { reason: (error as Error).message });
    }
    this.#version = version;
    return this.#certificates;
  }

  #read(): readonly string[] {
    const bytes = readPemFile(this.#setting, this.#path, "certificate");
    return [new TextDecoder().decode(bytes)];
  }
}

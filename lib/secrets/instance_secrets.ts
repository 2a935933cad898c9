/**
 * Secrets of an instance in clear, as execution environments receive them.
 *
 * @module
 */

import type { FunctionRecord } from "../model/function.ts";

/** Secrets of one instance in clear. */
export interface InstanceSecrets {
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Contents of files by name. */
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
}

/** Source of the secrets of instances. */
export interface SecretSource {
  /**
   * Decrypts the secrets of a new instance.
   *
   * @returns undefined if the function has no secrets
   * @throws `INSTANCE_START_FAILED` that names the secret that the instance cannot have
   */
  forInstance(
    fn: Pick<FunctionRecord, "name" | "secrets">,
  ): Promise<InstanceSecrets | undefined>;
}

/** Source for environments whose functions have no secrets. */
export const noSecrets: SecretSource = { forInstance: () => Promise.resolve(undefined) };

/**
 * Credentials of image registries, which are encrypted like secrets.
 *
 * @module
 */

import * as v from "valibot";
import type { Clock } from "../base/clock.ts";
import { ServerledgeError } from "../base/errors.ts";
import { registryOf } from "../images/reference.ts";
import { tryParseJson } from "../json/json.ts";
import { type InsideOf, wireNames } from "../json/wire_names.ts";
import type { Collection, RecordKind } from "../registry/collection.ts";
import type { RecordTable } from "../registry/record_table.ts";
import type { KeyRing } from "./key_ring.ts";
import { sealedEntries } from "./record.ts";
import { reseal } from "./reseal.ts";

/** Maximum number of registries. */
const maxLogins = 100;

const host = v.pipe(
  v.string("expected a string"),
  v.regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,110})(?::[0-9]{1,5})?$/,
    "expected HOST or HOST:PORT",
  ),
);

/** Schema of a login in lists. The password is never shown. */
export const listedLoginSchema = v.object({
  Registry: v.pipe(host, v.description("Registry, e.g. ghcr.io or docker.io")),
  Username: v.pipe(v.string(), v.description("Name of the user")),
  Updated: v.pipe(v.number(), v.description("When it was set last, ms since the Unix epoch")),
});
const loginSchema = v.object({ ...listedLoginSchema.entries, ...sealedEntries });
/** Converts logins to the format of lists. */
export const listedLoginNames = wireNames(listedLoginSchema);
const loginNames = wireNames(loginSchema);

/** A login in the registry. */
export type LoginRecord = InsideOf<typeof loginNames>;

/** Collection of the logins. Their ids contain no colon. */
export const loginKind: RecordKind<LoginRecord> = {
  name: "logins",
  stored: v.pipe(loginSchema, v.transform(loginNames.fromWire)),
  toWire: loginNames.toWire,
  idOf: ({ registry }) => idOf(registry),
};

/** Credentials in the form of the engine's API. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

/** Source of credentials for pulls. */
export interface RegistryAuths {
  /**
   * Returns the credentials for an image; undefined if there are none for its registry.
   *
   * @throws `ENGINE_REFUSED` if they cannot be decrypted
   */
  forImage(image: string): Promise<RegistryAuth | undefined>;
}

/** Dependencies of {@link ImageLogins}. */
export interface ImageLoginsOptions {
  /** The logins in the registry. */
  readonly collection: Collection<LoginRecord>;
  /** The logins in memory. */
  readonly table: Pick<RecordTable<LoginRecord>, "get" | "list" | "until">;
  readonly keys: Pick<KeyRing, "encrypting" | "seal" | "unseal">;
  readonly clock: Pick<Clock, "wall" | "after">;
}

/** Logins to image registries of a node or its cluster. */
export class ImageLogins implements RegistryAuths {
  readonly #options: ImageLoginsOptions;

  /** Creates a service. */
  constructor(options: ImageLoginsOptions) {
    this.#options = options;
  }

  /** Returns all logins without their passwords, sorted by registry. */
  list(): LoginRecord[] {
    return this.#options.table.list();
  }

  /**
   * Verifies and stores credentials. Pulls of this node use them when the promise resolves.
   *
   * @param given registry, e.g. `ghcr.io`
   * @param verify asks the registry
   * @throws `ENGINE_REFUSED` if the registry refuses them, `ENGINE_UNAVAILABLE`, `UNPROCESSABLE`,
   *   `CONFIG_INVALID` if there is no key, `REGISTRY_UNAVAILABLE`
   */
  async login(
    given: string,
    { username, password }: Pick<RegistryAuth, "username" | "password">,
    verify: (auth: RegistryAuth) => Promise<void>,
  ): Promise<void> {
    const { collection, table, keys, clock } = this.#options;
    const registry = registryName(given);
    const id = idOf(registry);
    if (!table.get(id) && table.list().length >= maxLogins) {
      throw new ServerledgeError(
        "UNPROCESSABLE",
        `There are ${maxLogins} logins, which is the maximum: log out from another registry first`,
      );
    }
    await verify(authOf(registry, username, password));
    const value = new TextEncoder().encode(JSON.stringify({ username, password }));
    const sealed = await keys.seal(boundName(registry), value);
    await collection.put({ ...sealed, registry, username, updated: Math.floor(clock.wall()) });
    await table.until(() => table.get(id)?.nonce === sealed.nonce, clock);
  }

  /**
   * Forgets credentials. Pulls of this node do not use them when the promise resolves.
   *
   * @throws `SECRET_UNKNOWN`, `UNPROCESSABLE`, `REGISTRY_UNAVAILABLE`
   */
  async logout(given: string): Promise<void> {
    const registry = registryName(given);
    const { collection, table, clock } = this.#options;
    const id = idOf(registry);
    if (!await collection.delete(id)) {
      throw new ServerledgeError("SECRET_UNKNOWN", `There is no login to ${registry}`);
    }
    await table.until(() => table.get(id) === undefined, clock);
  }

  /**
   * Re-encrypts all logins with the current key.
   *
   * @throws as {@link reseal}
   */
  async rotate(): Promise<void> {
    const { collection, table, keys } = this.#options;
    await reseal(keys, {
      collection,
      records: table.list(),
      nameOf: ({ registry }) => boundName(registry),
      describe: ({ registry }) => `the login to ${registry}`,
    });
  }

  async forImage(image: string): Promise<RegistryAuth | undefined> {
    const { table, keys } = this.#options;
    const registry = registryOf(image);
    const record = table.get(idOf(registry));
    if (!record) return undefined;
    const unsealed = await keys.unseal(boundName(registry), record);
    if (!("value" in unsealed)) {
      throw new ServerledgeError(
        "ENGINE_REFUSED",
        `Cannot pull ${image} with the login to ${registry}: ${unsealed.problem}`,
      );
    }
    const { username, password } = tryParseJson(unsealed.value) as Omit<
      RegistryAuth,
      "serveraddress"
    >;
    return authOf(registry, username, password);
  }
}

function registryName(given: string): string {
  const name = given.replace(/^https?:\/\//, "").replace(/\/$/, "");
  // A first part without a dot or a port is a folder of docker.io.
  if (v.is(host, name) && (/[.:]/.test(name) || name === "localhost")) {
    return registryOf(`${name}/x`);
  }
  throw new ServerledgeError(
    "UNPROCESSABLE",
    `${JSON.stringify(given)} is no registry: give HOST or HOST:PORT, such as ghcr.io`,
  );
}

function authOf(registry: string, username: string, password: string): RegistryAuth {
  const serveraddress = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
  return { username, password, serveraddress };
}

function idOf(registry: string): string {
  return registry.replace(":", "_");
}

/** Name that the ciphertext is bound to; no secret can have it. */
function boundName(registry: string): string {
  return `login ${registry}`;
}

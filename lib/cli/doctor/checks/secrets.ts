/**
 * Checks that the node has the keys of all secrets in its registry.
 *
 * @module
 */

import { join } from "node:path";
import { asServerledgeError } from "../../../base/errors.ts";
import { quantity } from "../../../base/quantity.ts";
import { loginKind } from "../../../secrets/image_logins.ts";
import { KeyRing } from "../../../secrets/key_ring.ts";
import { secretKind } from "../../../secrets/record.ts";
import { unreadableRecords } from "../../../secrets/unreadable.ts";
import { type Check, fine, problem } from "../check.ts";
import { storedRecords } from "../stored_records.ts";

/** Keys that encrypt secrets. */
export const secrets: Check = {
  name: "secrets",
  async run(subject) {
    const { config, dataDirectory } = subject;
    const file = join(dataDirectory, "secrets.key");
    const ring = new KeyRing({ setting: config["secrets.key"], file, mayCreate: false });
    let keys;
    try {
      keys = await ring.keys();
    } catch (error) {
      const { message } = asServerledgeError(error);
      return [
        problem("error", message, "Correct secrets.key, or run the doctor as the node's user"),
      ];
    }
    const read = Promise.all([
      storedRecords(secretKind, subject),
      storedRecords(loginKind, subject),
    ]);
    // The check of keys reports a registry that cannot be read.
    const listings = await read.catch(() => undefined);
    if (!listings) return [];
    const [{ records: secrets }, { records: logins }] = listings;
    const unreadable = unreadableRecords(ring.knownIds, { secrets, logins });
    if (unreadable !== undefined) {
      return [problem(
        "warning",
        `Secrets: ${unreadable}`,
        "Use the key file of a node that can read them, or set them again (serverledge secrets set)",
      )];
    }
    if (keys.length === 0) return [];
    return [fine(`${quantity(keys.length, "key")} for ${quantity(secrets.length, "secret")}`)];
  },
};

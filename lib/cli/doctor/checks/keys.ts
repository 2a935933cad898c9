/**
 * Checks the access keys in the registry.
 *
 * @module
 */

import { hasAdmin, isExpired, keyKind, type KeyRecord } from "../../../access/key.ts";
import { asServerledgeError } from "../../../base/errors.ts";
import { requiresKeys } from "../../../node/access.ts";
import type { RecordListing } from "../../../registry/collection.ts";
import { type Check, type Finding, fine, problem } from "../check.ts";
import { storedRecords } from "../stored_records.ts";

const dayMs = 86_400_000;
/** Time before the end of a key in which it should be replaced, ms. */
const soonMs = 14 * dayMs;
/** Maximum number of keys that a finding names. */
const maxNames = 10;

/** Access keys of the node or its cluster. */
export const keys: Check = {
  name: "keys",
  async run(subject) {
    const { config } = subject;
    try {
      const listing = await storedRecords(keyKind, subject);
      const hasIssuer = config["api.tokens.issuer"] !== "";
      return assessKeys(listing, { isRequired: requiresKeys(config), hasIssuer }, Date.now());
    } catch (error) {
      return [problem(
        "error",
        `The keys cannot be read: ${asServerledgeError(error).message}`,
        config["etcd.address"] !== ""
          ? "Do what the check of etcd says"
          : "Run the doctor as the user of the node, or restore a backup (serverledge restore)",
      )];
    }
  },
};

/**
 * Assesses the keys of a registry.
 *
 * @param isRequired whether the node requires keys even if there are none
 * @param hasIssuer whether it accepts tokens of an identity provider in place of keys
 * @param now ms since the Unix epoch
 */
export function assessKeys(
  { records, damaged }: {
    readonly records: readonly Pick<KeyRecord, "name" | "role" | "expires">[];
    readonly damaged: RecordListing<KeyRecord>["damaged"];
  },
  { isRequired, hasIssuer }: { readonly isRequired: boolean; readonly hasIssuer: boolean },
  now: number,
): Finding[] {
  const count = records.length + damaged.length;
  const findings: Finding[] = [];
  if (hasIssuer || hasAdmin(records, now)) findings.push(fine(`Number of keys: ${count}`));
  else if (count > 0 || isRequired) {
    findings.push(problem(
      "error",
      `Number of keys: ${count}; none is a valid one of an admin`,
      "Create one with serverledge keys init, while the node is stopped unless it uses etcd",
    ));
  } else findings.push(fine("There are no keys: the node serves everyone who can reach it"));
  const named = (found: readonly { readonly name: string }[], what: string, fix: string) => {
    if (found.length === 0) return;
    const more = found.length > maxNames ? ` and ${found.length - maxNames} more` : "";
    const names = found.slice(0, maxNames).map(({ name }) => name).join(", ");
    findings.push(problem("warning", `${what}: ${names}${more}`, fix));
  };
  const expired = records.filter((key) => isExpired(key, now));
  named(expired, "Expired keys", "serverledge keys revoke NAME, and create another one if needed");
  named(
    records.filter((key) => !isExpired(key, now) && isExpired(key, now + soonMs)),
    "Keys that expire within 14 days",
    "Create another one (serverledge keys create), and give it to the client in time",
  );
  named(
    damaged.map(({ id: name }) => ({ name })),
    "Keys whose records are unreadable, so that they are invalid",
    "serverledge keys revoke NAME, and create another one",
  );
  return findings;
}

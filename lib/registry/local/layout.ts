/**
 * Tables of the embedded registry.
 *
 * @module
 */

import { partsTable } from "./parts.ts";
import type { Layout } from "./sqlite_file.ts";

/** Its layout. A change of it is a further statement, and thereby a new version. */
export const layout: Layout = {
  checked: "functions",
  schema: [
    `
  CREATE TABLE functions (name TEXT PRIMARY KEY, code_hash TEXT NOT NULL, record TEXT NOT NULL) STRICT;
  CREATE INDEX functions_by_code ON functions (code_hash);
  CREATE TABLE code (hash TEXT PRIMARY KEY, archive BLOB NOT NULL) STRICT;
  CREATE TABLE results (
    id TEXT PRIMARY KEY, pending_on TEXT, result TEXT NOT NULL, expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX results_by_end ON results (expires_at);
  CREATE INDEX results_pending ON results (pending_on) WHERE pending_on IS NOT NULL;
  `,
    partsTable,
    "ALTER TABLE results ADD COLUMN parts TEXT;",
    "CREATE TABLE records (kind TEXT, id TEXT, record TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT;",
  ],
};

/**
 * Route `GET /backup`: a copy of the embedded registry.
 *
 * @module
 */

import { KnownResponse } from "../../http/server/web.ts";
import type { Route } from "../route.ts";
import type { ApiServices } from "../services.ts";

const mediaType = "application/vnd.sqlite3";

/** Returns the route for backups. */
export function backupRoutes(services: Pick<ApiServices, "backUp">): Route[] {
  return [{
    method: "GET",
    paths: ["/backup"],
    access: "admin",
    description,
    handle: async () =>
      new KnownResponse(await services.backUp(), 200, [["content-type", mediaType]]),
  }];
}

const description: Route["description"] = {
  tag: "Operation",
  summary: "Back up the embedded registry",
  details:
    "Sends a copy of the registry as it is now: functions with their code, keys, and results. The node goes on " +
    "serving requests. It makes one backup at a time. `serverledge restore` takes the file.",
  answers: { 200: { description: "An SQLite file", mediaType } },
  errors: [
    "UNAUTHORIZED",
    "FORBIDDEN",
    "UNPROCESSABLE",
    "NODE_SATURATED",
    "REGISTRY_UNAVAILABLE",
    "INTERNAL",
  ],
  curl: "(umask 077; curl -f -o registry.backup $NODE/backup)",
};

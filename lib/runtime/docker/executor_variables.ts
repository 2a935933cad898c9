/**
 * The environment variables that executors work by.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import { executorMountPath, socketName } from "./executor_mounts.ts";
import type { DockerContext } from "./context.ts";

/** What user 65534 is called everywhere. */
const userName = "nobody";

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string>>;

/**
 * By which an executor finds the node; it takes them away before it loads anything.
 *
 * @param token what it says as its hello
 */
export function channelVariables(token: string): Variables {
  return { SERVERLEDGE_SOCKET: `${executorMountPath}/${socketName}`, SERVERLEDGE_TOKEN: token };
}

/**
 * By which an executor knows its function, and the function its own.
 *
 * @param context where it runs
 * @param fn the function
 */
export function functionVariables(
  { area, limits }: Pick<DockerContext, "area" | "limits">,
  fn: FunctionRecord,
): Variables {
  return {
    HOME: "/tmp",
    // The user may have no entry in the image's list, and programs look here first.
    USER: userName,
    LOGNAME: userName,
    ...fn.env,
    SERVERLEDGE_FUNCTION: fn.name,
    SERVERLEDGE_HANDLER: fn.handler,
    SERVERLEDGE_CONCURRENCY: String(fn.maxConcurrency),
    SERVERLEDGE_MEMORY_MIB: String(fn.memoryMib),
    ...(fn.http && { SERVERLEDGE_HTTP: fn.http }),
    SERVERLEDGE_AREA: area,
    SERVERLEDGE_NODE: limits.nodeId,
  };
}

/** Variables that a program's loader or its libraries read once, as they start: set later, they do nothing. */
const readAtStart = /^(LD_|MALLOC_|GLIBC_|OPENSSL_|SSL_|LC_|LANG|TZ$)/;

/**
 * True if a running interpreter can take the function's variables on.
 *
 * @param fn the function
 * @param prefixes of variables that the interpreter itself reads as it starts
 */
export function canBeSetLater(
  fn: Pick<FunctionRecord, "env">,
  prefixes: readonly string[],
): boolean {
  return !Object.keys(fn.env).some((name) =>
    readAtStart.test(name) || prefixes.some((prefix) => name.startsWith(prefix))
  );
}

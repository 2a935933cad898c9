/**
 * Environment variables of executors.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import { secretReferences } from "../../model/secret_reference.ts";
import { executorMountPath, socketName } from "./executor_mounts.ts";
import type { DockerContext } from "./context.ts";

/** Usual name of user 65534. */
const userName = "nobody";

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string>>;

/**
 * Returns the variables by which an executor finds the node. The executor deletes them before it loads
 * any code.
 *
 * @param token token of its hello
 */
export function channelVariables(token: string): Variables {
  return { SERVERLEDGE_SOCKET: `${executorMountPath}/${socketName}`, SERVERLEDGE_TOKEN: token };
}

/**
 * Returns the variables that describe the function to its executor, and the function's own.
 *
 * @param context area and limits of the node
 */
export function functionVariables(
  { area, limits }: Pick<DockerContext, "area" | "limits">,
  fn: FunctionRecord,
): Variables {
  return {
    HOME: "/tmp",
    // The user may have no entry in the image's passwd file, and programs read these variables first.
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

/** Variables that a program's loader or libraries read only at its start: later changes have no effect. */
const readAtStart = /^(LD_|MALLOC_|GLIBC_|OPENSSL_|SSL_|LC_|LANG|TZ$)/;

/**
 * Tells whether a running interpreter can adopt the function's variables and secrets. Files have to be
 * mounted at the start of a container.
 *
 * @param prefixes prefixes of variables that the interpreter reads only at its start
 */
export function canBeSetLater(
  fn: Pick<FunctionRecord, "env" | "secrets">,
  prefixes: readonly string[],
): boolean {
  const secrets = secretReferences(fn.secrets);
  if (secrets.some(({ file }) => file !== undefined)) return false;
  const names = [...Object.keys(fn.env), ...secrets.map(({ variable = "" }) => variable)];
  return !names.some((name) =>
    readAtStart.test(name) || prefixes.some((prefix) => name.startsWith(prefix))
  );
}

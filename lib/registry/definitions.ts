/**
 * What a definition must say so that its runtime can run it.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { type Config, findRuntime } from "../config/config.ts";
import type { Definition } from "../model/function.ts";
import { imageAliases, type Runtime } from "../model/runtimes.ts";
import { kindOf, runtimeIds } from "../runtime/kinds/kinds.ts";

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const host =
  "(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.[a-zA-Z0-9-]+)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?";
/** `[host[:port]/]path[:tag][@digest]`, as in the OCI distribution's grammar of references. */
const imageReference = new RegExp(
  `^(?:${host}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);
/** Longest image reference. */
const maxImageReference = 512;

/**
 * Checks a definition against its runtime.
 *
 * @param definition already of the right shape and within bounds
 * @param config which runtimes there are
 * @param hasCode true if the function has code, brought by the definition or kept from before
 * @returns the runtime it means
 * @throws `RUNTIME_UNKNOWN`, or `UNPROCESSABLE` with the path of the bad field
 */
export function checkDefinition(
  definition: Definition,
  config: Pick<Config, "runtimes">,
  hasCode: boolean = definition.TarFunctionCode !== "",
): Runtime {
  const runtime = findRuntime(config, definition.Runtime);
  if (!runtime && imageAliases.includes(definition.Runtime)) {
    const key = `runtimes.${definition.Runtime}.image`;
    throw new ServerledgeError(
      "RUNTIME_UNKNOWN",
      `Runtime: "${definition.Runtime}" has no image on this node: set ${key} to one that has the ` +
        "language and the libraries that the function imports",
      { details: { path: "Runtime" } },
    );
  }
  if (!runtime) {
    throw new ServerledgeError(
      "RUNTIME_UNKNOWN",
      `Runtime: ${JSON.stringify(definition.Runtime)} is unknown; known are ${
        [...config.runtimes.keys()].join(", ")
      }`,
      { details: { path: "Runtime" } },
    );
  }
  const kind = kindOf(runtime.executor);
  if (definition.Stateful && !kind.dropsState) {
    const able = runtimeIds(({ dropsState }) => dropsState === true);
    refuse("Stateful", `only modules of the runtime ${able} can choose; others always keep state`);
  }
  const { Http = "event" } = definition;
  if (Http !== "event" && !kind.http?.includes(Http)) {
    const able = runtimeIds(({ http }) => http?.includes(Http) === true);
    refuse(
      "Http",
      `only commands of the runtime ${able} can choose ${Http}; handlers of others get the event`,
    );
  }
  if (kind.place === "image") checkImage(definition, runtime);
  else checkCode(definition, runtime, hasCode);
  return runtime;
}

function checkImage({ CustomImage, Runtime }: Definition, runtime: Runtime): void {
  if (CustomImage === "" && runtime.image !== "") return;
  if (CustomImage === "") refuse("CustomImage", `the runtime ${Runtime} needs a container image`);
  if (CustomImage.length > maxImageReference || !imageReference.test(CustomImage)) {
    refuse("CustomImage", `${JSON.stringify(CustomImage)} is not the name of an image`);
  }
}

function checkCode({ Handler, Runtime }: Definition, runtime: Runtime, hasCode: boolean): void {
  if (!hasCode) {
    refuse("TarFunctionCode", `the runtime ${Runtime} needs code: a TAR archive in base64`);
  }
  const { handler } = kindOf(runtime.executor);
  if (handler?.accepts?.(Handler) === false) {
    refuse("Handler", `${JSON.stringify(Handler)} ${handler.refusal}`);
  }
}

function refuse(path: string, problem: string): never {
  throw new ServerledgeError("UNPROCESSABLE", `${path}: ${problem}`, { details: { path } });
}

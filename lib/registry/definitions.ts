/**
 * Checks definitions of functions against their runtimes.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { type Config, findRuntime } from "../config/config.ts";
import type { Definition } from "../model/function.ts";
import { secretFolder, secretReferences } from "../model/secret_reference.ts";
import { imageAliases, type Runtime } from "../model/runtimes.ts";
import type { Kind } from "../runtime/kinds/kind.ts";
import { kindOf, runtimeIds } from "../runtime/kinds/kinds.ts";

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const host =
  "(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.[a-zA-Z0-9-]+)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?";
/** Image reference `[host[:port]/]path[:tag][@digest]`, by the grammar of the OCI distribution. */
const imageReference = new RegExp(
  `^(?:${host}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);
/** Maximum length of an image reference, characters. */
const maxImageReference = 512;

/**
 * Checks a definition against its runtime.
 *
 * @param definition a definition that is syntactically valid
 * @param hasCode true if the definition contains code or the function has code already
 * @returns the runtime
 * @throws `RUNTIME_UNKNOWN`, or `UNPROCESSABLE` with the path of the invalid field
 */
export function checkDefinition(
  definition: Definition,
  config: Pick<Config, "runtimes">,
  hasCode: boolean = definition.code !== "",
): Runtime {
  const runtime = findRuntime(config, definition.runtime);
  if (!runtime && imageAliases.includes(definition.runtime)) {
    const key = `runtimes.${definition.runtime}.image`;
    throw new ServerledgeError(
      "RUNTIME_UNKNOWN",
      `Runtime: "${definition.runtime}" has no image on this node: set ${key} to an image ` +
        "with the language and the libraries that the function imports",
      { details: { path: "Runtime" } },
    );
  }
  if (!runtime) {
    throw new ServerledgeError(
      "RUNTIME_UNKNOWN",
      `Runtime: ${JSON.stringify(definition.runtime)} is unknown; known runtimes are ` +
        `${[...config.runtimes.keys()].join(", ")}`,
      { details: { path: "Runtime" } },
    );
  }
  const kind = kindOf(runtime.executor);
  if (definition.stateful && !kind.dropsState) {
    const able = runtimeIds(({ dropsState }) => dropsState === true);
    refuse(
      "Stateful",
      `only modules of the runtime ${able} support this choice; others always keep their state`,
    );
  }
  const { http = "event" } = definition;
  if (http !== "event" && !kind.http?.includes(http)) {
    const able = runtimeIds((other) => other.http?.includes(http) === true);
    refuse(
      "Http",
      `only commands of the runtime ${able} support ${http}; handlers of other runtimes receive the event`,
    );
  }
  checkSecrets(definition, kind.place);
  if (kind.place === "image") checkImage(definition, runtime);
  else checkCode(definition, runtime, hasCode);
  return runtime;
}

/** Refuses forms of secrets that instances cannot have. */
function checkSecrets({ secrets, runtime }: Definition, place: Kind["place"]): void {
  const bad = secretReferences(secrets).find(({ file }) =>
    place === "sandbox" ? file !== undefined : place === "image" && file === undefined
  );
  if (!bad) return;
  const { secret } = bad;
  refuse(
    "Secrets",
    place === "sandbox"
      ? `functions of the runtime ${runtime} have no files: use ${secret}=VARIABLE`
      : `docker inspect would show a variable of the runtime ${runtime}: use ${secret}=${secretFolder}/${secret}`,
  );
}

function checkImage({ customImage, runtime: id }: Definition, runtime: Runtime): void {
  if (customImage === "" && runtime.image !== "") return;
  if (customImage === "") refuse("CustomImage", `the runtime ${id} needs a container image`);
  if (customImage.length > maxImageReference || !imageReference.test(customImage)) {
    refuse("CustomImage", `${JSON.stringify(customImage)} is not the name of an image`);
  }
}

function checkCode(definition: Definition, runtime: Runtime, hasCode: boolean): void {
  if (!hasCode) {
    refuse(
      "TarFunctionCode",
      `the runtime ${definition.runtime} needs code: a TAR or ZIP archive in base64`,
    );
  }
  const { handler } = kindOf(runtime.executor);
  if (handler?.accepts?.(definition.handler) === false) {
    refuse("Handler", `${JSON.stringify(definition.handler)} ${handler.refusal}`);
  }
}

function refuse(path: string, problem: string): never {
  throw new ServerledgeError("UNPROCESSABLE", `${path}: ${problem}`, { details: { path } });
}

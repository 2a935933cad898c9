/**
 * The reference of the configuration: its keys, former ones, and those of the Go prototype.
 *
 * @module
 */

import { environmentName } from "../../lib/config/config.ts";
import {
  absent,
  inOurTerms,
  renamed,
  renamedValues,
  retired,
  retiredSections,
} from "../../lib/config/go_keys.ts";
import { qosFields, runtimeGeneric, settings } from "../../lib/config/settings.ts";
import type { Setting } from "../../lib/config/setting_kinds.ts";
import { defaultRuntimes, imageAliases, runtimeAliases } from "../../lib/model/runtimes.ts";
import { executorKinds } from "../../lib/runtime/kinds/kinds.ts";
import { block, code, stack, table } from "./markdown.ts";

/** The page. */
export function configurationPage(): string {
  const sections = Map.groupBy(Object.entries(settings), ([key]) => key.split(".")[0]!);
  return stack(
    "# Configuration",
    introduction,
    ...[...sections].map(([section, keys]) =>
      stack(
        `## ${section}`,
        settingTable(keys, (key) => `${code(key)}<br>${code(environmentName(key))}`),
      )
    ),
    runtimes(),
    stack(
      "## qos",
      "QoS classes, which requests select by id or name. `qos.<class>.<field>`, for example `qos.critical.limit` " +
        `(${code(environmentName("qos.critical.limit"))}):`,
      settingTable(Object.entries(qosFields), code),
      "Each class needs a unique `id`; requests without a class, or with an id that no class has, are in class 0, " +
        "`default`. A name that no class has is an error (422), unless another node has accepted the request.",
    ),
    stack(
      "## policy",
      "`policy.*` are settings of the scheduling policies, which each policy checks for itself. " +
        "[The page on policies](../../policies/README.md) lists those of the built-in ones.",
    ),
    formerKeys(),
    goKeys(),
  );
}

const introduction = stack(
  "A node reads a configuration file, then environment variables, then its command line; the last one that sets a key wins. The file is YAML, TOML or JSON, with dotted or " +
    "nested keys in any case. `start CONFIG` names it; otherwise it is `serverledge-conf.yaml`, `.yml`, `.toml` or `.json` in `/etc/serverledge`, the home directory or the current " +
    "directory, whichever comes first. An unknown key is an error, an unknown variable a warning.",
  block(
    "serverledge config                    # the configuration that start would use, and where each value comes from\n" +
      "serverledge config --example          # a file with every key at its default\n" +
      "serverledge start node.yaml --set api.port=1324\n" +
      "SERVERLEDGE_API_PORT=1324 serverledge start",
    "sh",
  ),
  "Each row names the key and below it the environment variable that sets it.",
);

function settingTable(
  entries: readonly (readonly [key: string, setting: Setting<unknown>])[],
  name: (key: string) => string,
): string {
  return table(
    ["key", "default", "allowed", "meaning"],
    entries.map(([key, { value, allowed, doc }]) => [
      name(key),
      value === "" ? "empty" : code(String(value)),
      allowed,
      doc,
    ]),
  );
}

function runtimes(): string {
  const aliasesOf = (id: string) =>
    Object.entries(runtimeAliases).filter(([, runtime]) => runtime === id)
      .map(([alias]) => code(alias) + (imageAliases.includes(alias) ? "\\*" : ""));
  return stack(
    "## runtimes",
    "A node has these runtimes; `runtimes.<id>.image`, `.executor` and `.generic` change them or add others. For example, " +
      `${
        code(environmentName("runtimes.python.image"))
      } sets \`runtimes.python.image\`; ids with dots or hyphens need a file or \`--set\`. ` +
      `A new runtime needs an image and an executor (${executorKinds.map(code).join(", ")}).`,
    table(
      ["runtime", "image", "generic instances", "aliases"],
      defaultRuntimes.map(({ id, image, generic }) => [
        code(id),
        code(image) || "none",
        String(generic),
        aliasesOf(id).join(", "),
      ]),
    ),
    "\\* only where `runtimes.<alias>.image` is set. Sandboxes (`deno`, `wasm`) share the generic instances of `sandbox.generic`.",
    settingTable([["runtimes.<id>.generic", runtimeGeneric]], code),
  );
}

/** Former keys of this program; {@link inOurTerms} knows their present names. */
const formerNames = ["sandbox.spares", "runtimes.<id>.spares"];

function formerKeys(): string {
  const { entries } = inOurTerms(formerNames.map((key) => [key, 0]), "");
  return stack(
    "## Former keys",
    "Keys of earlier versions still work, also as environment variables. A node warns of each once.",
    table(
      ["former key", "key"],
      entries.map(([key], at) => [code(formerNames[at]!), code(key)]),
    ),
  );
}

function goKeys(): string {
  const values = Object.entries(renamedValues).flatMap(([key, meanings]) =>
    Object.entries(meanings).map(([theirs, ours]) => [code(key), code(theirs), code(ours)])
  );
  return stack(
    "## Keys of the Go prototype",
    "Keys of the Go prototype have the same meaning here and can stay in their files, with the following exceptions. A node warns once about each and starts.",
    table(
      ["key there", "here"],
      Object.entries(renamed).filter(([key]) => !formerNames.includes(key))
        .map(([theirs, ours]) => [code(theirs), code(ours)]),
    ),
    table(["key", "value there (in any case)", "value here"], values),
    table(
      ["key without effect", "reason"],
      [
        ...Object.entries(retired).map(([key, reason]) => [code(key), reason]),
        ...Object.entries(retiredSections).map(([section, reason]) => [
          code(`${section}.*`),
          reason,
        ]),
        ...absent.map((key) => [
          code(key.endsWith(".") ? `${key}*` : key),
          "this version does not have this part",
        ]),
      ],
    ),
  );
}

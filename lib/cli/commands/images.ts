/**
 * Subcommand `serverledge images`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { map, multiple } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import {
  imageNames,
  type ImageView,
  type PrunedImages,
  prunedNames,
  type PulledImages,
  pulledNames,
} from "../../images/status.ts";
import type { listedLoginNames } from "../../secrets/image_logins.ts";
import type { WireOf } from "../../json/wire_names.ts";
import type { Answer, NodeClient } from "../client/client.ts";
import { type Command, defineGroup, type Subcommand } from "../command.ts";
import { duringCall } from "../client/pulls.ts";
import { connect } from "../client/session.ts";
import { show } from "../view/show.ts";
import { printable, styled } from "../view/style.ts";
import { formatBytes, formatTable } from "../view/table.ts";
import type { Output, Terminal } from "../terminal.ts";
import { argumentOf, flagOf, requiredOf, text } from "../options/parts.ts";
import { readSecret } from "../options/secret_input.ts";

/** Maximum time of a pull, ms; the connection may be slow. */
const pullTimeoutMs = 3_600_000;
/** Maximum time of a removal, ms; large images take the engine long. */
const pruneTimeoutMs = 600_000;

/** Request to the node, and how its response is shown. */
interface Action {
  ask(node: NodeClient, terminal: Terminal): Promise<Answer>;
  readable(answer: unknown, output: Output): string;
}

type ActionParser = Parser<"sync", Action, unknown>;

const list: ActionParser = map(object({}), (): Action => ({
  ask: (node) => node.get("/images"),
  readable: (answer, output) =>
    imageTable(
      (answer as { Images: WireOf<typeof imageNames>[] }).Images.map(imageNames.fromWire),
      output,
    ),
}));

const pull: Subcommand<Action> = {
  name: "pull",
  brief: "Pull images",
  options: map(
    object({
      images: multiple(
        argumentOf("IMAGE", text, "Images; default: all required images that are missing"),
      ),
      refresh: flagOf("--refresh", "Pull them even if they are present"),
    }),
    ({ images, refresh }): Action => ({
      ask: (node, terminal) =>
        duringCall(
          terminal,
          node,
          () => "Pulling",
          () => {
            const body = { Images: images, Refresh: refresh ?? false };
            return node.post("/images/pull", body, { timeoutMs: pullTimeoutMs });
          },
        ),
      readable: (answer) => pulledText(pulledNames.fromWire(answer as WireOf<typeof pulledNames>)),
    }),
  ),
};

const prune: Subcommand<Action> = {
  name: "prune",
  brief: "Remove images that no runtime or function needs any more",
  options: map(
    object({
      dryRun: flagOf("--dry-run", "Only print what would be removed"),
      unpublished: flagOf(
        "--unpublished",
        "Also remove images that were built or loaded on this machine and that no registry is known to have",
      ),
    }),
    ({ dryRun, unpublished }): Action => ({
      ask: (node) =>
        node.post(
          "/images/prune",
          { DryRun: dryRun ?? false, Unpublished: unpublished ?? false },
          { timeoutMs: pruneTimeoutMs },
        ),
      readable: (answer) => prunedText(prunedNames.fromWire(answer as WireOf<typeof prunedNames>)),
    }),
  ),
};

const login: Subcommand<Action> = {
  name: "login",
  brief: "Store the credentials of a private registry; the password is read from stdin",
  options: map(
    object({
      registry: argumentOf("REGISTRY", text, "Registry, such as ghcr.io or docker.io"),
      username: requiredOf("--username NAME", text, "Name of the user"),
    }),
    ({ registry, username }): Action => ({
      ask: async (node, terminal) => {
        const password = await readSecret(`Password of ${username} for ${registry}`, terminal);
        return await node.put(`/images/logins/${encodeURIComponent(registry)}`, {
          Username: username,
          Password: new TextDecoder().decode(password),
        });
      },
      readable: () => `Logged in to ${registry}`,
    }),
  ),
};

const logout: Subcommand<Action> = {
  name: "logout",
  brief: "Delete the credentials of a registry",
  options: map(
    object({ registry: argumentOf("REGISTRY", text, "Registry") }),
    ({ registry }): Action => ({
      ask: (node) => node.delete(`/images/logins/${encodeURIComponent(registry)}`),
      readable: () => `Logged out from ${registry}`,
    }),
  ),
};

const logins: Subcommand<Action> = {
  name: "logins",
  brief: "List the registries with credentials",
  options: map(object({}), (): Action => ({
    ask: (node) => node.get("/images/logins"),
    readable: (answer) => {
      const { Logins } = answer as { Logins: WireOf<typeof listedLoginNames>[] };
      if (Logins.length === 0) return "There are no logins";
      const rows = Logins.map(({ Registry, Username, Updated }) => [
        Registry,
        printable(Username),
        new Date(Updated).toISOString(),
      ]);
      return formatTable(["REGISTRY", "USER", "SINCE"], rows);
    },
  })),
};

/** Lists, fetches and removes the images of a node. */
export const images: Command = defineGroup({
  name: "images",
  brief: "List, pull and prune the container images that the node needs",
  description: "Only images that this node pulled, or that its functions used, are ever removed.",
  examples: [
    ["serverledge images", "the required images and their state"],
    ["serverledge images pull", "pull missing images"],
    ["serverledge images pull python:3-slim --refresh", "pull one image again"],
    ["serverledge images login ghcr.io --username me < token", "credentials for all nodes"],
    ["serverledge images prune --dry-run", "print what would be removed"],
  ],
  subcommands: [pull, prune, login, logout, logins],
  otherwise: list,
  async run(action, globals, terminal) {
    using node = await connect(globals, terminal);
    const answer = await action.ask(node, terminal);
    show(answer, globals, terminal, () => action.readable(answer.json, terminal.out));
  },
});

/**
 * Formats images as a table for people.
 *
 * @param output where it will be written
 */
export function imageTable(
  images: readonly ImageView[],
  output: Pick<Output, "colour">,
): string {
  if (images.length === 0) return "No runtime or function needs an image";
  return formatTable(
    ["IMAGE", ">SIZE", "ARCH", "NEEDED BY", "STATE"],
    images.map((image) => [
      printable(image.image),
      image.sizeBytes === null ? "-" : formatBytes(image.sizeBytes),
      image.architecture ?? "-",
      neededBy(image),
      !image.present ? styled(output, "red", "missing") : image.pulled ? "pulled" : "present",
    ]),
  );
}

/** Maximum number of functions that a row names. */
const maxNamed = 2;

function neededBy({ runtimes, functions }: ImageView): string {
  const parts = runtimes.map((id) => `runtime ${id}`);
  if (functions.length <= maxNamed) parts.push(...functions);
  else parts.push(`${functions.length} functions`);
  return parts.length > 0 ? parts.join(", ") : "nothing";
}

function pulledText({ pulled, present }: PulledImages): string {
  const lines = pulled.map((image) => `Pulled ${image}`);
  if (present.length > 0) lines.push(`Already present: ${present.join(", ")}`);
  return lines.length > 0 ? lines.map(printable).join("\n") : "No image is missing";
}

/** Describes the result of a removal for people. */
export function prunedText({ dryRun, removed, kept }: PrunedImages): string {
  const verb = dryRun ? "Would remove" : "Removed";
  const lines = [
    ...removed.map(({ image, sizeBytes }) => `${verb} ${image} (${formatBytes(sizeBytes)})`),
    ...kept.map(({ image, reason }) => `Kept ${image}: ${reason}`),
  ];
  if (removed.length === 0) lines.unshift("Nothing to remove");
  return lines.map(printable).join("\n");
}

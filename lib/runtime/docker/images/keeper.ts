/**
 * Looks after the images of a node: tells which it needs, fetches what is missing, and removes what
 * nothing needs any more.
 *
 * @module
 */

import { ServerledgeError } from "../../../base/errors.ts";
import type { ImageNeed } from "../../../images/needs.ts";
import {
  type ImageView,
  type PrunedImages,
  type PulledImages,
  pulledNames,
} from "../../../images/status.ts";
import type { ImageRecord } from "../../../images/records.ts";
import { familiarName } from "../../../images/reference.ts";
import type { FoundImage, Images } from "./images.ts";

/** What a keeper works with. */
export interface KeeperOptions {
  /** The images on the engine. */
  readonly images: Pick<Images, "find" | "ensure" | "inUse" | "remove" | "records">;
  /** What is needed now, by familiar name. */
  readonly needs: () => ReadonlyMap<string, ImageNeed>;
  /** The configuration key that names the image of a runtime's containers; empty if none does. */
  readonly keyOf: (runtime: string) => string;
}

/** What is to be removed. */
export interface PruneOptions {
  /** Only tell what would be removed. */
  readonly dryRun: boolean;
  /** Also those that are in no registry as far as is known: they cannot be had again. */
  readonly unpublished: boolean;
}

const inUse = "a container is made of it";
const nothing: ImageNeed = { runtimes: [], functions: [] };

/** The keeper of a node's images. */
export class ImageKeeper {
  readonly #options: KeeperOptions;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /**
   * The images that the node needs, and those that it has fetched or used and needs no more; by name.
   *
   * @throws `ENGINE_UNAVAILABLE`
   */
  async list(): Promise<ImageView[]> {
    const { images, needs } = this.#options;
    const { records } = images;
    const needed = needs();
    const former = records.entries.map(({ image }) => image).filter((name) => !needed.has(name));
    const views: ImageView[] = [];
    for (const name of [...needed.keys(), ...former].sort()) {
      const found = await images.find(name);
      const need = needed.get(name);
      if (!found && !need) {
        records.forget(name);
        continue;
      }
      const { runtimes, functions } = need ?? nothing;
      views.push({
        image: name,
        runtimes: runtimes.toSorted(),
        functions: functions.toSorted(),
        present: found !== undefined,
        sizeBytes: found?.sizeBytes ?? null,
        architecture: found?.architecture ?? null,
        pulled: found !== undefined && isOurs(records.get(name), found) &&
          records.get(name)!.pulled,
      });
    }
    return views;
  }

  /**
   * Fetches images, one after the other: the engine fetches the layers of one at the same time.
   *
   * @param names which; none: all that are needed and missing
   * @param refresh fetch them even if they are present
   * @throws `ENGINE_UNAVAILABLE`, or `ENGINE_REFUSED` with the first reason once all were tried
   */
  async pull(names: readonly string[], refresh: boolean): Promise<PulledImages> {
    const { images, needs } = this.#options;
    const needed = needs();
    const result = { pulled: [] as string[], present: [] as string[] };
    const failures: { image: string; error: ServerledgeError }[] = [];
    const wanted = names.length > 0 ? names.map(familiarName) : needed.keys();
    for (const image of new Set(wanted)) {
      if (!refresh && await images.find(image)) {
        result.present.push(image);
        continue;
      }
      try {
        await images.ensure(image, this.#keyOf(needed.get(image)), true);
        result.pulled.push(image);
      } catch (error) {
        if (!(error instanceof ServerledgeError) || error.code === "ENGINE_UNAVAILABLE") {
          throw error;
        }
        failures.push({ image, error });
      }
    }
    const [first] = failures;
    if (first) throw notPulled(first.error, failures.map(({ image }) => image), result);
    return result;
  }

  /**
   * Removes images that nothing needs any more: such as this node has fetched or its functions have
   * used, if they are what they were then, and no container, whoever's, is made of them.
   *
   * @throws `ENGINE_UNAVAILABLE`
   */
  async prune({ dryRun, unpublished }: PruneOptions): Promise<PrunedImages> {
    const { images, needs } = this.#options;
    const { records } = images;
    const result: PrunedImages = { dryRun, removed: [], kept: [] };
    for (const entry of records.entries) {
      if (needs().has(entry.image)) continue;
      const found = await images.find(entry.image);
      if (!found) {
        records.forget(entry.image);
        continue;
      }
      const used = await images.inUse();
      if (needs().has(entry.image)) continue; // A function that was just created needs it.
      let reason = reasonToKeep(entry, found, used, unpublished);
      if (reason === undefined && !dryRun && !await images.remove(entry.image)) reason = inUse;
      if (reason !== undefined) result.kept.push({ image: entry.image, reason });
      else result.removed.push({ image: entry.image, sizeBytes: found.sizeBytes });
    }
    return result;
  }

  #keyOf(need: ImageNeed | undefined): string {
    const runtime = need?.runtimes[0];
    return runtime === undefined ? "" : this.#options.keyOf(runtime);
  }
}

function isOurs(entry: ImageRecord | undefined, found: FoundImage): boolean {
  return entry?.id === found.id;
}

function reasonToKeep(
  entry: ImageRecord,
  found: FoundImage,
  used: ReadonlySet<string>,
  unpublished: boolean,
): string | undefined {
  if (!isOurs(entry, found)) return "another image has its name now";
  if (used.has(found.id)) return inUse;
  if (!entry.pulled && !found.published && !unpublished) {
    return "it was built or loaded here, and no registry is known to have it";
  }
  return undefined;
}

function notPulled(
  reason: ServerledgeError,
  missing: readonly string[],
  result: PulledImages,
): ServerledgeError {
  const others = missing.length > 1 ? ` (and ${missing.length - 1} more images)` : "";
  return new ServerledgeError(reason.code, `${reason.message}${others}`, {
    cause: reason,
    details: { ...pulledNames.toWire(result), Missing: missing },
  });
}

/**
 * Keeper of the images of a node: lists the images that the node needs, pulls missing ones, and removes
 * those that are no longer needed.
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

/** Dependencies of a keeper. */
export interface KeeperOptions {
  /** The images on the engine. */
  readonly images: Pick<Images, "find" | "ensure" | "inUse" | "remove" | "records">;
  /** Returns the images that are needed now, by familiar name. */
  readonly needs: () => ReadonlyMap<string, ImageNeed>;
  /** Returns the configuration key that names the image of a runtime; empty if there is none. */
  readonly keyOf: (runtime: string) => string;
}

/** Options of a removal. */
export interface PruneOptions {
  /** True to report the images that would be removed without removing them. */
  readonly dryRun: boolean;
  /** True to also remove images that are in no known registry and so cannot be pulled again. */
  readonly unpublished: boolean;
}

const inUse = "a container uses it";
const nothing: ImageNeed = { runtimes: [], functions: [] };

/** Keeper of a node's images. */
export class ImageKeeper {
  readonly #options: KeeperOptions;

  /** Creates a keeper that has sent no request to the engine. */
  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /**
   * Returns the images that the node needs, and those that it has pulled or used but no longer needs,
   * sorted by name.
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
   * Pulls images one after the other, because the engine pulls the layers of one image in parallel.
   *
   * @param names names of the images; empty for all that are needed
   * @param refresh true to pull images that are present
   * @throws `ENGINE_UNAVAILABLE`, or `ENGINE_REFUSED` with the first reason after all were tried
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
   * Removes images that are no longer needed. An image is removed only if this node has pulled it or its
   * functions have used it, if its id has not changed since, and if no container of any owner uses it.
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
    return "it was built or loaded on this machine, and no registry is known to have it";
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

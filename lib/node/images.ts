/**
 * The image management of a node.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { type Config, findRuntime } from "../config/config.ts";
import { imageKey, imageNeeds } from "../images/needs.ts";
import type { FunctionRecord } from "../model/function.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { DockerEnvironment } from "../runtime/docker/environment.ts";
import { ImageKeeper } from "../runtime/docker/images/keeper.ts";
import type { RegistryAuth } from "../secrets/image_logins.ts";
import { familiarName } from "../images/reference.ts";
import { ImageAvailability } from "../images/availability.ts";
import { ImageWatch } from "../images/watch.ts";
import { Prefetcher } from "../images/prefetch.ts";

/** Image management of a node. */
export interface NodeImages extends Disposable {
  /** Lists, fetches and removes images. */
  readonly keeper: ImageKeeper;
  /** Verifies credentials with their registry, which may refuse them. */
  verify(auth: RegistryAuth): Promise<void>;
  /** Knows which functions have their images. */
  readonly availability: ImageAvailability;
  /** Fetches images in the background. */
  readonly prefetcher: Prefetcher;
}

/**
 * Opens the image management.
 *
 * @param environment owns the images
 * @param onFetched called after an image was fetched for an offloaded function
 */
export function openImages(
  config: Config,
  environment: DockerEnvironment,
  catalog: Catalog,
  clock: Clock,
  onFetched: () => void,
): NodeImages {
  const { images } = environment;
  const runtimeOf = (id: string) => findRuntime(config, id);
  const keeper = new ImageKeeper({
    images,
    needs: () => imageNeeds(config.runtimes.values(), catalog.list(), runtimeOf, familiarName),
    keyOf: (id) => {
      const runtime = runtimeOf(id);
      return runtime ? imageKey(runtime) : "";
    },
  });
  const availability = new ImageAvailability({
    runtimes: config.runtimes.keys(),
    runtimeOf,
    isPresent: (image) => images.isPresent(image),
  });
  const prepare = async (fn: FunctionRecord) => {
    await environment.prepare(fn);
    onFetched();
  };
  const prefetcher = new Prefetcher({ prepare }, clock);
  const watch = new ImageWatch(images, clock);
  return {
    keeper,
    availability,
    prefetcher,
    verify: (auth) => images.verify(auth),
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

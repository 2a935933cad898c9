/**
 * A node's part in images, composed: who looks after them, who knows of them, who fetches them ahead.
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
import { familiarName } from "../images/reference.ts";
import { ImageStock } from "../images/presence.ts";
import { ImageWatch } from "../images/watch.ts";
import { Prefetcher } from "../images/prefetch.ts";

/** A node's part in images. */
export interface NodeImages extends Disposable {
  /** Lists, fetches and removes them. */
  readonly keeper: ImageKeeper;
  /** Knows which functions have what they need. */
  readonly stock: ImageStock;
  /** Fetches them ahead. */
  readonly prefetcher: Prefetcher;
}

/**
 * Composes it.
 *
 * @param config the node's
 * @param catalog all functions
 * @param clock the node's
 * @param onFetched called when an image was fetched for a function that was sent elsewhere
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
  const stock = new ImageStock({
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
  return { keeper, stock, prefetcher, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

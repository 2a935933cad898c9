/**
 * Images on the engine. A present image is used unchanged. A missing one is pulled once for all
 * concurrent callers. The node's records contain the images that were pulled or used.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import type Docker from "dockerode";
import type { ImageInspectInfo } from "dockerode";
import { SharedTasks } from "../../../base/async.ts";
import { ServerledgeError } from "../../../base/errors.ts";
import { logger } from "../../../base/log.ts";
import type { RegistryAuth, RegistryAuths } from "../../../secrets/image_logins.ts";
import type { Pull } from "../../environment.ts";
import { type Engine, engineStatus } from "../engine/engine.ts";
import type { ImageRecords } from "../../../images/records.ts";
import {
  familiarName,
  familiarNames,
  isImage,
  type ListedImage,
  registryOf,
} from "../../../images/reference.ts";
import { followProgress } from "../engine/progress.ts";
import { PullProgress } from "./pull_progress.ts";
import { StallWatch } from "./stall_watch.ts";

/** Time limit of a pull, ms: slow links at the edge need long, but a pull over a dead link must end. */
const pullTimeoutMs = 30 * 60_000;
/** Maximum time without progress, ms. Over slow links the engine reports every half MiB. */
const pullStallMs = 2 * 60_000;
/** Interval at which a pull's progress is logged, ms. */
const progressIntervalMs = 5_000;

const log = logger("runtime");

/** An image that is present. */
export interface FoundImage {
  /** Id of the image, which identifies its content. */
  readonly id: string;
  /** Size of the image including layers shared with other images, bytes. */
  readonly sizeBytes: number;
  /** Architecture that the image runs on, e.g. `amd64`. */
  readonly architecture: string;
  /** True if the image is known to be in a registry, because it was pulled from or pushed to one. */
  readonly published: boolean;
}

/** Tracks which images are present and pulls missing ones. */
export class Images {
  readonly #engine: Engine;
  readonly #refresh: boolean;
  readonly #stalls: StallWatch;
  /** Records of the images that were pulled and used. */
  readonly records: ImageRecords;
  /** Familiar names of images that were found, about which starts do not ask the engine again. */
  readonly #present = new Set<string>();
  /** Familiar names of all images at the last listing, and of those that were added since. */
  #known: Set<string> | undefined;
  /** Familiar names of images that were added during the current listing. */
  readonly #arrived = new Set<string>();
  readonly #pulled = new Set<string>();
  /** Credentials for pulls; none if absent. */
  auths: RegistryAuths | undefined;
  readonly #tasks = new SharedTasks<boolean>();
  readonly #pulls = new Map<string, PullProgress>();

  /**
   * Creates a view of the engine's images that knows none of them yet.
   *
   * @param refresh true to pull each image once, even if it is present
   * @param records records of the images that were pulled and used
   * @param stallMs maximum time without progress of a pull, ms
   */
  constructor(engine: Engine, refresh: boolean, records: ImageRecords, stallMs = pullStallMs) {
    this.#engine = engine;
    this.#refresh = refresh;
    this.#stalls = new StallWatch(stallMs);
    this.records = records;
  }

  /**
   * Ensures that an image is present.
   *
   * @param key configuration key that names the image, for the error; empty if there is none
   * @param refresh true to pull the image even if it is present
   * @returns true if the image had to be pulled
   * @throws `ENGINE_UNAVAILABLE`, or `ENGINE_REFUSED` with advice
   */
  async ensure(image: string, key: string, refresh = false): Promise<boolean> {
    const name = familiarName(image);
    if (!refresh && this.#present.has(name)) return false;
    if (!refresh && this.#refresh && !this.#pulled.has(name)) return await this.refresh(image, key);
    return await this.#tasks.run(name, async () => {
      const found = refresh ? undefined : await this.find(name);
      if (found) this.records.note(name, found.id, false);
      else await this.#pull(name, key);
      for (const names of [this.#present, this.#arrived, this.#known]) names?.add(name);
      return found === undefined;
    });
  }

  /**
   * Pulls an image that may be present. If the engine refuses, a present image is used, which may have
   * been built here.
   *
   * @param key configuration key that names the image, for the error; empty if there is none
   * @returns true if the image was pulled
   * @throws the errors of {@link Images.ensure}, if the image is not present either
   */
  async refresh(image: string, key: string): Promise<boolean> {
    try {
      return await this.ensure(image, key, true);
    } catch (error) {
      const refused = error instanceof ServerledgeError && error.code === "ENGINE_REFUSED";
      if (!refused || !await this.find(image)) throw error;
      log.warn("Cannot refresh the image {image}; the present one is used: {error}", {
        image,
        error,
      });
      this.#pulled.add(familiarName(image)); // once is enough
      return await this.ensure(image, key);
    }
  }

  /**
   * Lists the present images for {@link Images.isPresent}. While the engine is unreachable, no image
   * counts as present, because no container can be started.
   */
  async look(): Promise<void> {
    let listed: readonly ListedImage[] = [];
    this.#arrived.clear();
    try {
      listed = await this.#engine.ask("list images", (docker) => docker.listImages());
    } catch (error) {
      if (!(error instanceof ServerledgeError)) throw error;
    }
    this.#known = new Set([...listed.flatMap(familiarNames), ...this.#arrived]);
  }

  /**
   * Tells whether an image is present, as far as is known without a request to the engine.
   *
   * @returns undefined before the first {@link Images.look}
   */
  isPresent(image: string): boolean | undefined {
    return this.#known?.has(familiarName(image));
  }

  /**
   * Finds an image on the engine.
   *
   * @returns undefined if it is not present
   * @throws `ENGINE_UNAVAILABLE`
   */
  async find(image: string): Promise<FoundImage | undefined> {
    const found = await this.#inspect(image);
    return found && {
      id: found.Id,
      sizeBytes: found.Size,
      architecture: found.Architecture,
      published: (found.RepoDigests ?? []).length > 0,
    };
  }

  /**
   * Returns the ids of the images of all containers on the engine, running or not, of any owner.
   *
   * @throws `ENGINE_UNAVAILABLE`
   */
  async inUse(): Promise<Set<string>> {
    const containers = await this.#engine.ask(
      "list containers",
      (docker) => docker.listContainers({ all: true }),
    );
    return new Set(containers.map(({ ImageID }) => ImageID));
  }

  /**
   * Removes an image's name, and the image if it has no other name; never by force.
   *
   * @returns false if the engine refused because the image is in use
   * @throws `ENGINE_UNAVAILABLE`, `ENGINE_REFUSED` with the engine's reason
   */
  async remove(image: string): Promise<boolean> {
    try {
      // docker image rm IMAGE
      await this.#engine.ask(
        `remove image ${image}`,
        (docker) => docker.getImage(image).remove(),
      );
    } catch (error) {
      const status = engineStatus(error);
      if (status === 409) return false;
      if (status !== 404) throw error;
    }
    this.#known?.delete(familiarName(image));
    this.#present.clear(); // one image may have been known by several names
    this.records.forget(image);
    return true;
  }

  /** Forgets that an image is present, because the engine reported that it is missing. */
  forget(image: string): void {
    this.#present.delete(familiarName(image));
    this.#known?.delete(familiarName(image));
  }

  /**
   * Returns the architecture of the local copy of an image.
   *
   * @returns empty if the image is not present
   */
  async architectures(image: string): Promise<string[]> {
    const found = await this.find(image);
    return found ? [found.architecture] : [];
  }

  /**
   * Verifies credentials with their registry.
   *
   * @throws `ENGINE_REFUSED` if the registry refuses them, `ENGINE_UNAVAILABLE`
   */
  async verify(auth: RegistryAuth): Promise<void> {
    // docker login
    await this.#engine.ask(`log in to ${auth.serveraddress}`, (docker) => docker.checkAuth(auth));
  }

  /** Returns the pulls that are in progress. */
  pulls(): Pull[] {
    return [...this.#pulls].map(([image, { percent, message }]) => ({ image, percent, message }));
  }

  async #inspect(image: string): Promise<ImageInspectInfo | undefined> {
    try {
      const found = await this.#engine.ask(
        `inspect image ${image}`,
        (docker) => docker.getImage(image).inspect(),
      );
      return isImage(image, found) ? found : undefined;
    } catch (error) {
      if (engineStatus(error) === 404) return undefined;
      throw error;
    }
  }

  async #pull(image: string, key: string): Promise<void> {
    log.info("Pulling image {image}", { image });
    const what = `pull image ${image}`;
    const progress = new PullProgress();
    this.#pulls.set(image, progress);
    using _log = logged(image, progress);
    using stall = this.#stalls.watch(() => progress.mayBeSilent);
    try {
      const auth = await this.auths?.forImage(image);
      await this.#engine.ask(what, async (docker) => {
        const answer = await startPull(docker, image, auth);
        await followProgress(what, answer, (event) => {
          progress.note(event);
          this.#stalls.progressed();
        });
      }, { timeoutMs: pullTimeoutMs, signal: stall.signal });
    } catch (error) {
      const stalled = stall.signal.aborted;
      if (!stalled && engineStatus(error) === undefined) throw error;
      const reason = stalled
        ? `Docker could not ${what}: the image's registry has sent no data for ` +
          `${this.#stalls.stallMs / 1000} s`
        : (error as Error).message;
      const setting = key ? `, or set the key ${key} to another image` : "";
      throw new ServerledgeError(
        "ENGINE_REFUSED",
        `${reason}; get it with docker pull or docker load, or log in to its registry with ` +
          `serverledge images login ${registryOf(image)}${setting}`,
        { cause: error, details: { image } },
      );
    } finally {
      this.#pulls.delete(image);
    }
    this.#pulled.add(image);
    const pulled = await this.find(image);
    if (pulled) this.records.note(image, pulled.id, true);
    log.info("Pulled image {image}", { image });
  }
}

/** Credentials go into a header: as an option they would be part of the URL. */
function startPull(
  docker: Docker,
  image: string,
  auth: RegistryAuth | undefined,
): Promise<NodeJS.ReadableStream> {
  if (!auth) return docker.pull(image);
  const pull = docker.pull as unknown as (
    image: string,
    options: object,
    callback: undefined,
    auth: RegistryAuth,
  ) => Promise<NodeJS.ReadableStream>;
  return pull.call(docker, image, {}, undefined, auth);
}

/** Logs a pull's progress at an interval until disposed. */
function logged(image: string, progress: PullProgress): Disposable {
  const timer = setInterval(() => {
    log.info("Pulling image {image}: {message}", { image, message: progress.message });
  }, progressIntervalMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

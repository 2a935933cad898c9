/**
 * Start of a pause container, which holds a network namespace that other containers join.
 *
 * @module
 */

import { Readable } from "node:stream";
// @ts-types="@types/dockerode"
import type { ContainerCreateOptions } from "dockerode";
import { Container } from "../container/container.ts";
import { type Engine, engineStatus } from "../engine/engine.ts";
import { pauseArchive, pauseImage } from "./image.ts";
import { containerName } from "../names.ts";
import { followProgress } from "../engine/progress.ts";

/**
 * Starts a pause container. If its image is missing, it is created first.
 *
 * @param known map that contains the container while it exists, which excludes it from sweeps
 * @throws `ENGINE_UNAVAILABLE` or `ENGINE_REFUSED`, after the container is removed
 */
export async function startPauseContainer(
  engine: Engine,
  known: Map<string, Container>,
  what: string,
  options: ContainerCreateOptions,
): Promise<Container> {
  const container = new Container(engine, containerName(what));
  known.set(container.name, container);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => void known.delete(container.name));
  stack.use(container);
  try {
    await container.create(options);
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    await importImage(engine);
    await container.create(options);
  }
  await container.start();
  stack.move();
  return container;
}

async function importImage(engine: Engine): Promise<void> {
  const [repo, tag] = pauseImage.split(":") as [string, string];
  const what = "import the pause image";
  const { architecture } = await engine.facts();
  const archive = Readable.from([await pauseArchive(architecture)]);
  // docker import - serverledge/pause:1
  await engine.ask(what, async (docker) => {
    await followProgress(what, await docker.importImage(archive, { repo, tag }));
  });
}

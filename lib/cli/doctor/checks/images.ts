/**
 * Checks whether the images of the runtimes are present.
 *
 * @module
 */

import { imageNeeds } from "../../../images/needs.ts";
import { familiarName } from "../../../images/reference.ts";
import { Engine, engineStatus } from "../../../runtime/docker/engine/engine.ts";
import { type Check, type Finding, fine, problem } from "../check.ts";

/** Images of the runtimes. Those of functions are known to the node only (`serverledge images`). */
export const images: Check = {
  name: "images",
  async run({ config }) {
    using engine = new Engine();
    // The check of the engine itself says why.
    if (await engine.available() !== true) return [];
    const needs = imageNeeds(config.runtimes.values(), [], () => undefined, familiarName);
    return await Promise.all([...needs].map(([image, { runtimes }]) => {
      return look(engine, image, runtimes);
    }));
  },
};

async function look(engine: Engine, image: string, runtimes: readonly string[]): Promise<Finding> {
  const users = runtimes.join(", ");
  try {
    await engine.ask(`inspect ${image}`, (client) => client.getImage(image).inspect());
    return fine(`Image ${image} is present (${users})`);
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    return problem(
      "warning",
      `Image ${image} is missing (${users}): the first function pulls it`,
      `docker pull ${image}, or set ${
        runtimes.map((id) => `runtimes.${id}.image`).join(", ")
      } to an image that the machine has or can pull`,
    );
  }
}

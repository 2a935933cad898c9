/**
 * Checks whether the Docker engine answers.
 *
 * @module
 */

import { asServerledgeError } from "../../../base/errors.ts";
import { Engine } from "../../../runtime/docker/engine/engine.ts";
import { type Check, fine, problem } from "../check.ts";

/** The engine, its version, and whether it filters system calls. */
export const docker: Check = {
  name: "docker",
  async run() {
    using engine = new Engine();
    try {
      const version = await engine.ask("tell its version", (client) => client.version());
      const { seccomp } = await engine.facts();
      const found = `Docker ${version.Version} responds, API ${version.ApiVersion}`;
      if (seccomp) return [fine(found)];
      return [problem(
        "warning",
        `${found}; it runs without seccomp: containers can use all system calls`,
        "Use a kernel and an engine with seccomp",
      )];
    } catch (error) {
      // The message names address, cause and remedy.
      return [problem("warning", asServerledgeError(error).message, fix())];
    }
  },
};

function fix(): string {
  return "Start Docker (systemctl start docker) and let the node's user use it: " +
    "usermod -aG docker USER. Not needed for functions of the runtimes deno and wasm";
}

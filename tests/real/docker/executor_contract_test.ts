import { fileURLToPath } from "node:url";
// @ts-types="@types/dockerode"
import Docker from "dockerode";
import { randomId } from "../../../lib/base/ids.ts";
import { executorOptions } from "../../../lib/runtime/docker/container/options.ts";
import {
  channelVariables,
  functionVariables,
} from "../../../lib/runtime/docker/executor_variables.ts";
import {
  executorCommand,
  executorMountPath,
  ExecutorMounts,
} from "../../../lib/runtime/docker/executor_mounts.ts";
import type { ContainerExecutor } from "../../../lib/runtime/kinds/kinds.ts";
import { executorContract, type StartedExecutor } from "../../contract/executor.ts";
import { binaryImage, dockerFunction, nodejsImage, pythonImage } from "../../support/docker.ts";
import { tempDir } from "../../support/temp_dir.ts";

const code = fileURLToPath(new URL("../../images/functions", import.meta.url));
const limits = { nodeId: `wire-${randomId(6)}`, pids: 100, tmpMib: 16, readOnlyRoot: true };
const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

function variablesOf(executor: string, handler: string) {
  const fn = dockerFunction(executor, handler, { maxConcurrency: 2 });
  return functionVariables({ area: "TEST", limits }, fn);
}

/** Starts an executor in a container, as the node does, but for who listens. */
async function start(
  executor: ContainerExecutor,
  image: string,
  token: string,
  variables: Readonly<Record<string, string>>,
  generic: boolean,
): Promise<StartedExecutor> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("wire"));
  const guest = await ExecutorMounts.install(path);
  const folder = guest.forExecutor(executor, architecture);
  const listener = stack.use(Deno.listen({ transport: "unix", path: folder.socket }));
  await Deno.chmod(folder.socket, 0o666);
  const container = await new Docker().createContainer(executorOptions(limits, {
    share: { memoryMib: 128, cpu: 0 },
    labels: {},
    image,
    command: [...executorCommand(executor), ...(generic ? ["generic"] : [])],
    env: { ...(generic ? {} : variables), ...channelVariables(token) },
    folders: { [executorMountPath]: folder.path, "/app": code },
    network: "none",
  }));
  stack.defer(async () => void await container.remove({ force: true }));
  await container.start();
  const kept = stack.move();
  return {
    listener,
    load: { env: variables },
    ended: async () => void await container.wait(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const executors = [
  { executor: "python", image: pythonImage, prefix: "cases." },
  { executor: "nodejs", image: nodejsImage, prefix: "cases." },
  { executor: "binary", image: binaryImage, prefix: "program.sh " },
] as const;

for (const { executor, image, prefix } of executors) {
  executorContract({
    name: executor,
    invokes: executor !== "binary",
    streams: false,
    alwaysGeneric: false,
    start: (behaviour, token, generic) =>
      start(executor, image, token, variablesOf(executor, prefix + behaviour), generic),
  });
}

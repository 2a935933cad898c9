/**
 * Environments on the real Docker engine for tests, and looking at what they leave there. A test
 * that needs Docker fails where there is none.
 *
 * @module
 */

import { bodyBudget, resultMemory } from "../../lib/node/base.ts";
import { fileURLToPath } from "node:url";
import { readFile } from "node:fs/promises";
// @ts-types="@types/dockerode"
import Docker from "dockerode";
import { packTar } from "modern-tar";
import { randomId } from "../../lib/base/ids.ts";
import { type ConfigSource, resolveConfig } from "../../lib/config/config.ts";
import type { JsonObject } from "../../lib/json/json.ts";
import { paramsOf } from "../../lib/model/params.ts";
import type { FunctionRecord } from "../../lib/model/function.ts";
import { DockerEnvironment } from "../../lib/runtime/docker/environment.ts";
import type { Call } from "../../lib/runtime/environment.ts";
import type { CallChange, Written } from "../contract/environment.ts";
import { tempDir } from "./temp_dir.ts";

/** Image of Python functions in tests. */
export const pythonImage = Deno.env.get("SERVERLEDGE_RUNTIMES_PYTHON_IMAGE") || "t/py";
/** Image of Node.js functions in tests. */
export const nodejsImage = Deno.env.get("SERVERLEDGE_RUNTIMES_NODEJS_IMAGE") || "t/node";
/** Image of programs in tests. */
export const binaryImage = Deno.env.get("SERVERLEDGE_RUNTIMES_BINARY_IMAGE") ||
  "serverledge/binary-debian:local";
/** Image of custom functions, made by {@link buildCustomImage}. */
export const customImage = "serverledge-test/custom:1";

/** Folder with the functions that the tests run. */
const functionsFolder = fileURLToPath(new URL("../images/functions", import.meta.url));
const customFolder = fileURLToPath(new URL("../images/custom/", import.meta.url));

/** An environment under test. */
export interface DockerWorld extends AsyncDisposable {
  /** The environment. */
  readonly environment: DockerEnvironment;
  /** Id of the node that its containers are labelled with. */
  readonly nodeId: string;
  /** The engine, seen from outside. */
  readonly docker: Docker;
  /** Names of the containers with the node's label. */
  containers(options?: { functions?: boolean }): Promise<string[]>;
  /** What its functions have written. */
  readonly written: readonly Written[];
}

/**
 * Opens an environment of its own.
 *
 * @param options a node id to share, more configuration
 */
export async function dockerWorld(
  options: {
    nodeId?: string;
    values?: ConfigSource["values"];
    archive?: Uint8Array;
    folder?: string;
  } = {},
): Promise<DockerWorld> {
  const nodeId = options.nodeId ?? `test-${randomId(8)}`;
  const docker = realEngine();
  const images = {
    "runtimes.python.image": pythonImage,
    "runtimes.nodejs.image": nodejsImage,
    "runtimes.binary.image": binaryImage,
  };
  const { config } = resolveConfig([
    { origin: "test", values: images },
    { origin: "test", values: options.values ?? {} },
  ]);
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("docker"));
  const written: Written[] = [];
  const environment = stack.use(
    await DockerEnvironment.open({
      config,
      nodeId,
      area: "TEST",
      runDir: path,
      imageRecords: `${path}/images.json`,
      results: resultMemory({ config, bodies: bodyBudget(config) }),
      output: (name, id, text) => void written.push({ name, id, text }),
      code: {
        folder: () => Promise.resolve(options.folder ?? functionsFolder),
        archive: () => Promise.resolve(options.archive ?? new Uint8Array()),
        hold: () => ({ [Symbol.dispose]: () => {} }),
      },
    }),
  );
  const kept = stack.move();
  return {
    environment,
    nodeId,
    docker,
    written,
    containers: (which) => containersOf(docker, nodeId, which?.functions ?? false),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The engine itself, whatever `DOCKER_HOST` says to the code under test. */
function realEngine(): Docker {
  return new Docker({ socketPath: "/var/run/docker.sock" });
}

async function containersOf(docker: Docker, nodeId: string, functions: boolean) {
  const label = [`serverledge.node=${nodeId}`, ...(functions ? ["serverledge.function"] : [])];
  const found = await docker.listContainers({ all: true, filters: { label } });
  return found.map(({ Names }) => Names[0]!.slice(1));
}

/**
 * The containers that carry a node's label.
 *
 * @param nodeId the node's
 * @returns their names
 */
export function nodeContainers(nodeId: string): Promise<string[]> {
  return containersOf(new Docker(), nodeId, false);
}

/** A function for tests. */
export function dockerFunction(
  runtime: string,
  handler: string,
  change: Partial<FunctionRecord> = {},
): FunctionRecord {
  return {
    name: `f-${randomId(6)}`,
    runtime,
    memoryMib: 128,
    cpu: 0,
    maxConcurrency: 1,
    handler,
    customImage: runtime === "custom" ? customImage : "",
    architectures: [],
    signature: null,
    timeoutMs: 0,
    env: {},
    network: "none",
    locality: "any",
    invokes: [],
    secrets: [],
    minInstances: 0,
    codeHash: runtime === "custom" ? "" : "cases",
    version: "1",
    ...change,
  };
}

/** A call for tests. */
export function dockerCall({ params = null, ...change }: CallChange = {}): Call {
  return {
    id: `call-${randomId(8)}`,
    timeoutMs: 60_000,
    returnOutput: false,
    ...change,
    params: paramsOf(params),
  };
}

/**
 * Params that are nested.
 *
 * @param depth how deeply
 */
export function nestedParams(depth: number): JsonObject {
  let nested: JsonObject[string] = [];
  for (let i = 1; i < depth; i++) nested = [nested];
  return { nested };
}

/** Builds the custom image of the tests: a server with the quirks of the Go project's executors. */
export async function buildCustomImage(): Promise<void> {
  const files = await Promise.all(["Dockerfile", "server.py"].map(async (name) => {
    return [name, new Uint8Array(await readFile(customFolder + name))] as const;
  }));
  // docker build --build-arg BASE=... --tag serverledge-test/custom:1 tests/images/custom
  await build(customImage, Object.fromEntries(files), { BASE: pythonImage });
}

/**
 * Builds the custom image of the tests with a volume.
 *
 * @param path where the image declares it
 * @returns the image's name
 */
export async function buildVolumeImage(path: string): Promise<string> {
  await buildCustomImage();
  const name = "serverledge-test/custom-volume:1";
  const text = `FROM ${customImage}\nVOLUME ${path}\n`;
  await build(name, { Dockerfile: new TextEncoder().encode(text) });
  return name;
}

async function build(
  name: string,
  files: Readonly<Record<string, Uint8Array>>,
  buildargs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const docker = realEngine();
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name, size: body.length, type: "file" as const },
    body,
  }));
  const { Readable } = await import("node:stream");
  const { Buffer } = await import("node:buffer");
  const archive = Readable.from([Buffer.from(await packTar(entries))]);
  const progress = await docker.buildImage(archive, { t: name, buildargs });
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(
      progress,
      (error: Error | null) => error ? reject(error) : resolve(),
    )
  );
}

/**
 * What the container engine alone takes for the steps of a cold start, so that the node's share can
 * be computed.
 *
 * @module
 */

import Docker from "dockerode";
import { medianOf } from "../../../lib/lab/statistics.ts";
import type { Results } from "../results.ts";
import { inRounds } from "../rounds.ts";
import { instanceMib } from "./client.ts";

/** Containers that are started in one round. */
const startsPerRound = 5;

/** Marks the containers of this measurement, so that they can be distinguished from others. */
const label = "serverledge.bench";

/** What the steps of one start took, ms. */
interface Steps {
  readonly create: number;
  readonly start: number;
  readonly interpreter: number;
}

/**
 * Measures creation, start in the shared namespace of a container without a network, as the node
 * starts its instances, and the time until Python runs a first line.
 */
export async function measureEngine(results: Results): Promise<void> {
  const docker = new Docker();
  const pause = await create(docker, "none");
  const samples: Steps[][] = [];
  try {
    await pause.start();
    const network = `container:${pause.id}`;
    await startOnce(docker, network); // the first one reads files from disk
    samples.push(
      ...await inRounds(async () => {
        const steps: Steps[] = [];
        for (let n = 0; n < startsPerRound; n++) steps.push(await startOnce(docker, network));
        return steps;
      }),
    );
  } finally {
    await pause.remove({ force: true });
  }
  for (const step of ["create", "start", "interpreter"] as const) {
    results.add(
      `cold_engine_${step}_ms`,
      "ms",
      samples.map((steps) => medianOf(steps.map((one) => one[step]))),
    );
  }
}

function create(docker: Docker, network: string): Promise<Docker.Container> {
  return docker.createContainer({
    Image: Deno.env.get("SERVERLEDGE_RUNTIMES_PYTHON_IMAGE") ?? "python:3-slim",
    Cmd: ["python3", "-c", "import time; print('running', flush=True); time.sleep(600)"],
    Labels: { [label]: "1" },
    HostConfig: { NetworkMode: network, Memory: instanceMib << 20, ReadonlyRootfs: true },
  });
}

async function startOnce(docker: Docker, network: string): Promise<Steps> {
  const began = performance.now();
  const container = await create(docker, network);
  try {
    const created = performance.now();
    const stream = await container.attach({ stream: true, stdout: true });
    const firstOutput = new Promise<number>((resolve, reject) => {
      stream.once("data", () => resolve(performance.now()));
      stream.once("error", reject);
      stream.once("end", () => reject(new Error("The container wrote nothing")));
    });
    const attached = performance.now();
    await container.start();
    const started = performance.now();
    const running = await firstOutput;
    return {
      create: created - began,
      start: started - attached,
      interpreter: Math.max(0, running - started),
    };
  } finally {
    await container.remove({ force: true });
  }
}

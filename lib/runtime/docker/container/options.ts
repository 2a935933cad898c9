/**
 * Limits and lockdown of containers, as options of the engine.
 *
 * @module
 */

// @ts-types="@types/dockerode"
import type { ContainerCreateOptions, HostConfig, MountSettings } from "dockerode";
import type { FunctionRecord } from "../../../model/function.ts";
import { executorMountPath, socketName } from "../executor_mounts.ts";
import { pauseImage } from "../pause/image.ts";
import { functionLabel, nodeLabel } from "../names.ts";

/** Memory and CPU of a container. */
export type Share = Pick<FunctionRecord, "memoryMib" | "cpu">;

const mib = 1 << 20;
/** Minimum memory that the engine accepts for a container, MiB. */
const minMemoryMib = 6;
/** Memory of a relay, MiB; most of it is for the kernel's buffers of its connections. */
const relayMemoryMib = 16;
/** Period of the CPU limit, µs. It is shorter than the kernel's 100 ms to keep pauses short. */
const cpuPeriodUs = 50_000;
/** Minimum quota that the kernel accepts, µs. */
const minCpuQuotaUs = 1_000;
/** Score by which the kernel kills functions before the node when the machine runs out of memory. */
const oomScoreAdj = 500;
/** User and group `nobody`, who own no files; by number, because small images have no user names. */
const unprivileged = "65534:65534";

/** Port on which custom images serve the HTTP executor protocol. */
export const customPort = 8080;

/** Limits of memory and CPU of one container; see the engine's API. */
export type ResourceLimits = Pick<
  HostConfig,
  "Memory" | "MemorySwap" | "CpuPeriod" | "CpuQuota"
>;

/** Limits that apply to each container of a node. */
export interface ContainerLimits {
  readonly nodeId: string;
  /** Maximum number of processes and threads. */
  readonly pids: number;
  /** Size of `/tmp`, MiB. */
  readonly tmpMib: number;
  /** True if custom images may write only to `/tmp`. */
  readonly readOnlyRoot: boolean;
}

/** Container with an executor. */
export interface ExecutorSpec {
  /** Memory and CPU that the container may use. */
  readonly share: Share;
  /** Labels in addition to the node's. */
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** The executor's command line. */
  readonly command: readonly string[];
  /** Its environment variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Folders of the host that are mounted read-only, by their path in the container. */
  readonly folders: Readonly<Record<string, string>>;
  /** The engine's network mode. */
  readonly network: string;
}

/**
 * Returns the options of a container with an executor, locked down as far as possible.
 *
 * @param spec description of the container
 */
export function executorOptions(
  limits: ContainerLimits,
  spec: ExecutorSpec,
): ContainerCreateOptions {
  return {
    Image: spec.image,
    Entrypoint: [spec.command[0]!],
    Cmd: spec.command.slice(1),
    Env: environment(spec.env),
    User: unprivileged,
    WorkingDir: "/tmp",
    Labels: { [nodeLabel]: limits.nodeId, ...spec.labels },
    HostConfig: {
      ...hostConfig(spec.share, limits, spec.network),
      ReadonlyRootfs: true,
      Tmpfs: tmpfs(limits),
      Mounts: mounts(spec.folders),
    },
  };
}

/**
 * Returns the options of a container of a custom image. The container keeps the image's user and command,
 * and a writable root unless it is configured as read-only, because images of other projects need them.
 *
 * @param fn function of the instance
 * @param network the engine's network mode
 * @param folders folders of the host that are mounted read-only, by their path in the container
 */
export function customOptions(
  fn: FunctionRecord,
  image: string,
  limits: ContainerLimits,
  network: string,
  folders: Readonly<Record<string, string>> = {},
): ContainerCreateOptions {
  return {
    Image: image,
    Env: environment(fn.env),
    Labels: { [nodeLabel]: limits.nodeId, ...functionLabels(fn) },
    HostConfig: {
      ...hostConfig(fn, limits, network),
      ...(limits.readOnlyRoot ? { ReadonlyRootfs: true, Tmpfs: tmpfs(limits) } : {}),
      Mounts: mounts(folders),
    },
  };
}

/** Returns the options of a container that holds a network namespace without interfaces. */
export function pauseOptions(
  image: string,
  program: string,
  nodeId: string,
): ContainerCreateOptions {
  return {
    Image: image,
    Entrypoint: [program],
    User: unprivileged,
    StopSignal: killed,
    Labels: { [nodeLabel]: nodeId },
    HostConfig: pauseConfig(minMemoryMib, "none"),
  };
}

/**
 * Returns the options of a container that holds a network namespace and connects the node to it.
 *
 * @param folder folder of the host with the program, in which the program creates its socket
 * @param network the engine's network mode
 */
export function relayOptions(
  nodeId: string,
  folder: string,
  network: string,
): ContainerCreateOptions {
  return {
    Image: pauseImage,
    Entrypoint: [`${executorMountPath}/relay`],
    Cmd: [`${executorMountPath}/${socketName}`],
    User: unprivileged,
    StopSignal: killed,
    Labels: { [nodeLabel]: nodeId },
    HostConfig: {
      ...pauseConfig(relayMemoryMib, network),
      Mounts: [{ Type: "bind", Source: folder, Target: executorMountPath }],
    },
  };
}

/**
 * Returns the options of a container that keeps a table of the machine's firewall in place.
 *
 * @param folder folder of the host with the program, in which the program creates its socket
 * @param table name of the table
 */
export function fenceOptions(
  nodeId: string,
  folder: string,
  table: string,
): ContainerCreateOptions {
  return {
    Image: pauseImage,
    Entrypoint: [`${executorMountPath}/fence`],
    Cmd: [table, socketName],
    WorkingDir: executorMountPath,
    User: "0:0",
    // On SIGTERM the program removes the table. The engine sends this signal instead when it stops all
    // containers, so functions that still run stay fenced.
    StopSignal: "SIGKILL",
    Labels: { [nodeLabel]: nodeId },
    HostConfig: {
      ...pauseConfig(minMemoryMib, "host"),
      CapAdd: ["NET_ADMIN"],
      // The machine's own network belongs to its own users, whatever userns-remap says.
      UsernsMode: "host",
      Mounts: [{ Type: "bind", Source: folder, Target: executorMountPath }],
    },
  };
}

/**
 * Signal by which an engine ends programs that ignore SIGTERM, as process 1 does unless it handles it. The
 * engine would wait 10 s for them whenever it stops.
 */
const killed = "SIGKILL";

function pauseConfig(memoryMib: number, network: string): HostConfig {
  return {
    ...lockDown,
    Memory: memoryMib * mib,
    MemorySwap: memoryMib * mib,
    PidsLimit: 16,
    NetworkMode: network,
    ReadonlyRootfs: true,
    LogConfig: { Type: "none", Config: {} },
  };
}

const lockDown: HostConfig = {
  CapDrop: ["ALL"],
  SecurityOpt: ["no-new-privileges"],
  Init: false,
  AutoRemove: false,
};

/**
 * Returns limits of memory and CPU for the creation or the update of a container.
 *
 * @param share memory and CPU that the container may use
 */
export function resourceLimits({ memoryMib, cpu }: Share): ResourceLimits {
  const memory = Math.max(memoryMib, minMemoryMib) * mib;
  const quota = Math.max(Math.round(cpu * cpuPeriodUs), minCpuQuotaUs);
  return {
    Memory: memory,
    // MemorySwap is the sum of memory and swap, so there is no swap.
    MemorySwap: memory,
    ...(cpu > 0 ? { CpuPeriod: cpuPeriodUs, CpuQuota: quota } : {}),
  };
}

/** Returns the labels that identify instances of a function. */
export function functionLabels(fn: Pick<FunctionRecord, "name">): Record<string, string> {
  return { [functionLabel]: fn.name };
}

function hostConfig(share: Share, limits: ContainerLimits, network: string): HostConfig {
  return {
    ...lockDown,
    ...resourceLimits(share),
    PidsLimit: limits.pids,
    OomScoreAdj: oomScoreAdj,
    NetworkMode: network,
    LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "2" } },
  };
}

function tmpfs({ tmpMib }: ContainerLimits): Record<string, string> {
  return { "/tmp": `rw,exec,nosuid,nodev,mode=1777,size=${tmpMib}m` };
}

function mounts(folders: Readonly<Record<string, string>>): MountSettings[] {
  return Object.entries(folders).map(([Target, Source]) => ({
    Type: "bind",
    Source,
    Target,
    ReadOnly: true,
  }));
}

function environment(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([key, value]) => `${key}=${value}`);
}

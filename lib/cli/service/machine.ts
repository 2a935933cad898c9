/**
 * The machine on which the service is installed: its state, and how steps change it.
 *
 * @module
 */

import { dirname } from "node:path";
import { ServerledgeError } from "../../base/errors.ts";
import { exists } from "../../base/text_file.ts";
import { configEndings } from "../config/text.ts";
import type { MachineState, Step } from "./plan.ts";
import { environmentFile, unitName } from "./unit.ts";

/** State of the unit as systemd reports it. */
export interface UnitState {
  /** `loaded`, `not-found` and so on. */
  readonly load: string;
  /** `active`, `inactive`, `failed` and so on. */
  readonly active: string;
  /** `enabled`, `disabled`; empty if there is no unit. */
  readonly enabled: string;
  /** Path of the unit; empty if there is none. */
  readonly path: string;
  /** User of the service. */
  readonly user: string;
  /** Main process; 0 if it does not run. */
  readonly pid: number;
  /** Number of times that systemd has restarted it. */
  readonly restarts: number;
  /** Time after which systemd kills a stopping service, s; `Infinity` if never. */
  readonly stopTimeoutS: number;
}

/** Folders that the unit hides from the service (`ProtectHome`, `PrivateTmp`). */
const hiddenDirectories = /^\/(home|root|run\/user|tmp|var\/tmp)\//;

/**
 * Returns the path of this program for the unit.
 *
 * @throws `INVALID_REQUEST` if the service could not run it
 */
export function serviceProgram(path = Deno.execPath(), standalone = Deno.build.standalone): string {
  if (!standalone) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      "Cannot install a service that runs from source: build the program (deno task build) and use that",
    );
  }
  if (!hiddenDirectories.test(path)) return path;
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `Cannot run ${path} as a service: services cannot read its directory. Copy the ` +
      `program (install -m 755 ${path} /usr/local/bin/serverledge) and repeat this command ` +
      "with the copy",
  );
}

/** Reads the state of the machine. */
export async function machineState(user: string): Promise<MachineState> {
  const configs = configEndings.map((ending) => `/etc/serverledge/serverledge-conf.${ending}`);
  return {
    hasUser: await isKnown("passwd", user),
    hasDockerGroup: await isKnown("group", "docker"),
    hasConfig: configs.some(exists),
    hasEnvironment: exists(environmentFile),
  };
}

/**
 * Checks that this process may change the services of a machine with systemd.
 *
 * @throws `FORBIDDEN` if it is not root, `INVALID_REQUEST` if systemd does not run
 */
export function requireManager(): void {
  if (Deno.uid() !== 0) {
    throw new ServerledgeError(
      "FORBIDDEN",
      "Only root may change services: use sudo, or --dry-run to show what would be done",
    );
  }
  if (!exists("/run/systemd/system")) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      "systemd does not manage this machine: run serverledge start with its service " +
        "manager, or show the unit with --dry-run",
    );
  }
}

/**
 * Carries out a step.
 *
 * @throws `INVALID_REQUEST` with the command and what it wrote if it fails
 */
export async function carryOut(step: Step): Promise<void> {
  switch (step.kind) {
    case "write":
      await Deno.mkdir(dirname(step.path), { recursive: true });
      await Deno.writeTextFile(step.path, step.text, { mode: step.mode });
      return;
    case "remove":
      await Deno.remove(step.path).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
      return;
    case "run": {
      const { code, text } = await output(step.command);
      if (code === 0) return;
      throw new ServerledgeError(
        "INVALID_REQUEST",
        `${step.command.join(" ")} ended with status ${code}: ${text.trim() || "no reason given"}`,
      );
    }
  }
}

/**
 * Asks systemd for the state of the unit.
 *
 * @returns undefined if systemd does not run
 */
export async function unitState(): Promise<UnitState | undefined> {
  const names = "LoadState,ActiveState,UnitFileState,FragmentPath,User,MainPID,NRestarts," +
    "TimeoutStopUSec";
  if (!exists("/run/systemd/system")) return undefined;
  const { code, text } = await output(["systemctl", "show", `--property=${names}`, unitName]);
  return code === 0 ? readUnitState(text) : undefined;
}

/**
 * Reads what `systemctl show` prints.
 *
 * @param text lines `NAME=VALUE`
 */
export function readUnitState(text: string): UnitState {
  const values = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  const value = (name: string) => values.get(name) ?? "";
  return {
    load: value("LoadState"),
    active: value("ActiveState"),
    enabled: value("UnitFileState"),
    path: value("FragmentPath"),
    user: value("User") || "root",
    pid: Number(value("MainPID")),
    restarts: Number(value("NRestarts")),
    stopTimeoutS: spanSeconds(value("TimeoutStopUSec")),
  };
}

/** Reads a time span of systemd, e.g. `1min 30s`; `infinity` and what cannot be read is unlimited. */
function spanSeconds(span: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, min: 60, s: 1, ms: 1e-3 };
  const parts = span.split(" ").map((part) => /^([\d.]+)(h|min|s|ms)$/.exec(part));
  if (parts.includes(null)) return Infinity;
  return parts.reduce((sum, part) => sum + Number(part![1]) * units[part![2]!]!, 0);
}

async function isKnown(database: string, name: string): Promise<boolean> {
  return (await output(["getent", database, name])).code === 0;
}

async function output(command: readonly string[]): Promise<{ code: number; text: string }> {
  try {
    const args = command.slice(1);
    const { code, stdout, stderr } = await new Deno.Command(command[0]!, { args, stdin: "null" })
      .output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(code === 0 ? stdout : stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { code: 127, text: "there is no such program" };
    }
    throw error;
  }
}

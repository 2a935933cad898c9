/**
 * What installing and removing the service does, as steps that can be shown or carried out.
 *
 * @module
 */

import { environmentFile, unitName, type UnitOptions, unitText } from "./unit.ts";

/** One step: a file that is written or removed, or a command that is run. */
export type Step =
  | { readonly kind: "write"; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "run"; readonly command: readonly string[] };

/** The machine as it is before the installation. */
export interface MachineState {
  /** Whether the service's user exists. */
  readonly hasUser: boolean;
  /** Whether the group `docker` exists, whose members may use the engine. */
  readonly hasDockerGroup: boolean;
  /** Whether there is a configuration file in `/etc/serverledge`. */
  readonly hasConfig: boolean;
  /** Whether {@link environmentFile} exists. */
  readonly hasEnvironment: boolean;
}

/** Path of the unit; those of packages lie elsewhere. */
export const unitPath = `/etc/systemd/system/${unitName}`;
/** Path of the configuration file that is written if there is none. */
export const configPath = "/etc/serverledge/serverledge-conf.yaml";

/** First content of the configuration file. */
export const firstConfig = `# Configuration of this machine's node. All keys, with their defaults:
# serverledge config --example
`;

/** First content of the file with the service's environment. */
export const environmentText =
  `# Environment of the service, for what not every user may read. For example:
# SERVERLEDGE_CLUSTER_SECRET=...
# DOCKER_HOST=unix:///run/docker.sock
`;

/**
 * Returns the steps that install and start the service. Existing users and files stay as they are.
 *
 * @param options of the unit
 * @param state of the machine
 */
export function installation(options: UnitOptions, state: MachineState): Step[] {
  const { user } = options;
  const steps: Step[] = [];
  if (!state.hasUser) {
    steps.push(run(
      "useradd",
      ...["--system", "--user-group", "--home-dir", "/var/lib/serverledge", "--no-create-home"],
      ...["--shell", "/usr/sbin/nologin", user],
    ));
  }
  if (state.hasDockerGroup && user !== "root") {
    steps.push(run("usermod", "--append", "--groups", "docker", user));
  }
  if (!state.hasConfig) steps.push(write(configPath, 0o644, firstConfig));
  if (!state.hasEnvironment) steps.push(write(environmentFile, 0o600, environmentText));
  steps.push(
    write(unitPath, 0o644, unitText(options)),
    run("systemctl", "daemon-reload"),
    run("systemctl", "enable", unitName),
    // A service that runs takes the new unit.
    run("systemctl", "restart", unitName),
  );
  return steps;
}

/** Returns the steps that stop and remove the service. User, configuration and data stay. */
export function removal(): Step[] {
  return [
    run("systemctl", "disable", "--now", unitName),
    { kind: "remove", path: unitPath },
    run("systemctl", "daemon-reload"),
  ];
}

function run(...command: string[]): Step {
  return { kind: "run", command };
}

function write(path: string, mode: number, text: string): Step {
  return { kind: "write", path, mode, text };
}

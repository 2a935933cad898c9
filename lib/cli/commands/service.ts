/**
 * Subcommand `serverledge service`.
 *
 * @module
 */

import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { ServerledgeError } from "../../base/errors.ts";
import { type Action, type Command, defineGroup, type Subcommand } from "../command.ts";
import { exits } from "../exits.ts";
import { flagOf, optionWith, text } from "../options/parts.ts";
import { installation, removal, type Step } from "../service/plan.ts";
import {
  carryOut,
  machineState,
  requireManager,
  serviceProgram,
  type UnitState,
  unitState,
} from "../service/machine.ts";
import { serviceUser, unitName } from "../service/unit.ts";
import type { Terminal } from "../terminal.ts";
import { isReadable } from "../view/show.ts";
import { formatFields } from "../view/table.ts";

const dryRun = flagOf("--dry-run", "Only print the files and commands");

const install: Subcommand<Action> = {
  name: "install",
  brief: "Install and start the service",
  options: map(
    object({
      user: optionWith(
        "--user-name NAME",
        text,
        "User of the service, created if it does not exist; as root, sandboxes run as nobody",
        serviceUser,
      ),
      dryRun,
    }),
    ({ user, dryRun }): Action => async (_globals, terminal) => {
      const { loadConfig } = await import("../config/files.ts");
      await requireNoPackage();
      // What the administrator's shell sets, and a file in its directory, do not apply to the service.
      Deno.chdir("/");
      const options = { file: undefined, config: undefined, listen: undefined, area: undefined };
      const { config } = await loadConfig({ ...options, set: [] }, undefined, {});
      const state = await machineState(checkUser(user));
      const unit = {
        program: serviceProgram(),
        user,
        graceS: config["shutdown.grace"],
        dataDir: config["data.dir"],
      };
      await apply(installation(unit, state), dryRun, terminal);
      terminal.err.write(aboutDocker(user, state.hasDockerGroup));
    },
  ),
};

const uninstall: Subcommand<Action> = {
  name: "uninstall",
  brief: "Stop and remove the service; its user, configuration and data stay",
  options: map(
    object({ dryRun }),
    ({ dryRun }): Action => async (_globals, terminal) => {
      await requireNoPackage();
      await apply(removal(), dryRun, terminal);
    },
  ),
};

const status: Subcommand<Action> = {
  name: "status",
  brief: "Print whether the service runs",
  options: map(object({}), (): Action => async (globals, terminal) => {
    const state = await unitState();
    if (!state) {
      throw new ServerledgeError("INVALID_REQUEST", "systemd does not run on this machine");
    }
    const view = isReadable(globals, terminal)
      ? formatFields(fields(state))
      : JSON.stringify(wireOf(state), null, "\t");
    terminal.out.write(`${view}\n`);
    return state.active === "active" ? exits.ok : exits.request;
  }),
};

/** Installs, removes and shows the service of this machine. */
export const service: Command = defineGroup({
  name: "service",
  brief: "Run the node of this machine as a systemd service",
  description:
    "The service has its own user, its data in /var/lib/serverledge, its configuration " +
    "in /etc/serverledge, and secrets as environment variables in " +
    "/etc/serverledge/environment. To use Docker, its user has to be in the group " +
    "docker, whose members have the power of root.",
  examples: [
    ["sudo serverledge service install", "create the user and the unit, and start the service"],
    ["serverledge service install --dry-run", "what would be done, with the whole unit"],
    ["serverledge service status", "exit status 0 if it runs, otherwise 2"],
    ["sudo serverledge service uninstall", "remove the unit; data and configuration stay"],
  ],
  subcommands: [install, uninstall, status],
  run: (run, globals, terminal) => run(globals, terminal),
});

async function apply(
  steps: readonly Step[],
  dryRun: true | undefined,
  terminal: Terminal,
): Promise<void> {
  if (!dryRun) requireManager();
  for (const step of steps) {
    if (!dryRun) await carryOut(step);
    terminal.out.write(dryRun ? shown(step) : `${summary(step)}\n`);
  }
}

function summary(step: Step): string {
  switch (step.kind) {
    case "write":
      return `write ${step.path} (mode ${step.mode.toString(8)})`;
    case "remove":
      return `remove ${step.path}`;
    case "run":
      return `run ${step.command.join(" ")}`;
  }
}

function shown(step: Step): string {
  return `# ${summary(step)}\n${step.kind === "write" ? `${step.text}\n` : ""}`;
}

function aboutDocker(user: string, hasGroup: boolean): string {
  if (user === "root") return "";
  return hasGroup
    ? `User ${user} is in the group docker, whose members are as powerful as root.\n`
    : "There is no group docker: only functions of the runtimes deno and wasm run. After Docker is " +
      `installed: usermod -aG docker ${user} && systemctl restart ${unitName}\n`;
}

function fields(state: UnitState): [string, string][] {
  if (state.load === "not-found") return [["Unit", `not installed: serverledge service install`]];
  return [
    ["Unit", state.path],
    ["State", `${state.active}, ${state.enabled || "not enabled"}`],
    ["User", state.user],
    ["Process", state.pid === 0 ? "none" : String(state.pid)],
    ["Restarts", String(state.restarts)],
    ["Log", `journalctl -u ${unitName}`],
  ];
}

function wireOf(state: UnitState): Record<string, unknown> {
  return {
    Unit: state.path,
    Load: state.load,
    Active: state.active,
    Enabled: state.enabled,
    User: state.user,
    Pid: state.pid,
    Restarts: state.restarts,
  };
}

/** Leaves the unit of a Debian package to the tools of the package. */
async function requireNoPackage(): Promise<void> {
  const { path = "" } = await unitState() ?? {};
  if (!/^(\/usr)?\/lib\//.test(path)) return;
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `The package has installed the service (${path}): use systemctl enable --now ${unitName}, ` +
      `systemctl edit ${unitName}, or apt remove serverledge`,
  );
}

function checkUser(name: string): string {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(name)) return name;
  throw new ServerledgeError(
    "INVALID_REQUEST",
    `--user-name must be a user name in lower-case letters, digits, _ and -: it is "${name}"`,
  );
}

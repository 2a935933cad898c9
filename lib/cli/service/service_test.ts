import assert from "node:assert/strict";
import { readUnitState, serviceProgram } from "./machine.ts";
import { installation, removal, type Step, unitPath } from "./plan.ts";
import { unitText } from "./unit.ts";

const options = { program: "/usr/local/bin/serverledge", user: "serverledge", graceS: 30 };
const bare = {
  hasUser: false,
  hasDockerGroup: true,
  hasConfig: false,
  hasEnvironment: false,
};

function names(steps: readonly Step[]): string[] {
  return steps.map((step) => step.kind === "run" ? step.command[0]! : `${step.kind} ${step.path}`);
}

Deno.test("installation: a bare machine gets user, group, files and unit, in this order", () => {
  assert.deepEqual(names(installation(options, bare)), [
    "useradd",
    "usermod",
    "write /etc/serverledge/serverledge-conf.yaml",
    "write /etc/serverledge/environment",
    `write ${unitPath}`,
    "systemctl",
    "systemctl",
    "systemctl",
  ]);
});

Deno.test("installation: existing user and files stay, and root needs no group", () => {
  const full = { hasUser: true, hasDockerGroup: true, hasConfig: true, hasEnvironment: true };
  const steps = installation({ ...options, user: "root" }, full);
  assert.deepEqual(names(steps), [`write ${unitPath}`, "systemctl", "systemctl", "systemctl"]);
});

Deno.test("installation: the file for secrets is closed to other users", () => {
  const file = installation(options, bare).find((step) =>
    step.kind === "write" && step.path.endsWith("/environment")
  );
  assert.equal(file?.kind === "write" && file.mode, 0o600);
});

Deno.test("removal: stops the service before its unit goes", () => {
  assert.deepEqual(names(removal()), ["systemctl", `remove ${unitPath}`, "systemctl"]);
});

Deno.test("unitText: systemd waits longer than the node's grace", () => {
  assert.match(unitText({ ...options, graceS: 100.5 }), /^TimeoutStopSec=131$/m);
});

Deno.test("unitText: a data.dir of its own can be written", () => {
  const line = (dataDir: string) =>
    /^ReadWritePaths=(.*)$/m.exec(unitText({ ...options, dataDir }))?.[1];
  assert.equal(line(""), "-/run/lock");
  assert.equal(line("/srv/my 5% node"), '-/run/lock "-/srv/my 5%% node"');
});

Deno.test("unitText: only root keeps capabilities", () => {
  assert.match(unitText(options), /^CapabilityBoundingSet=$/m);
  assert.match(unitText({ ...options, user: "root" }), /^CapabilityBoundingSet=CAP_\w+ .*SETUID/m);
});

Deno.test("readUnitState: reads spans of systemd", () => {
  const state = (span: string) => readUnitState(`MainPID=12\nTimeoutStopUSec=${span}\n`);
  assert.equal(state("1min 30s").stopTimeoutS, 90);
  assert.equal(state("infinity").stopTimeoutS, Infinity);
  assert.equal(state("1min").pid, 12);
});

Deno.test("serviceProgram: a program that services cannot see is refused with a remedy", () => {
  assert.equal(serviceProgram("/usr/local/bin/serverledge", true), "/usr/local/bin/serverledge");
  assert.throws(() => serviceProgram("/root/dist/serverledge", true), /install -m 755/);
  assert.throws(() => serviceProgram("/usr/bin/deno", false), /deno task build/);
});

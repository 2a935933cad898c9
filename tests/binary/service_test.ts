import assert from "node:assert/strict";
import { freePort } from "../support/network/free_port.ts";
import { get, post, python } from "../support/client.ts";
import { defaultBinary } from "../support/node.ts";
import { eventually } from "../support/eventually.ts";
import { startSystemdMachine, type SystemdMachine } from "../support/systemd_machine.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runToEnd } from "../support/process.ts";
import { unitText } from "../../lib/cli/service/unit.ts";

const program = "/usr/local/bin/serverledge";
const source = "export const handler = ({ n }: { n: number }) => ({ n: n + 1 });\n";

/** A machine with the program, and a configuration with a free port. */
async function machineWithProgram(): Promise<SystemdMachine> {
  const machine = await startSystemdMachine();
  await machine.copy(defaultBinary(), program);
  const text = `api.port: ${freePort()}\nregistry.udp.port: ${freePort()}\nshutdown.grace: 45\n`;
  await machine.run(["mkdir", "-p", "/etc/serverledge"]);
  await machine.run(["tee", "/etc/serverledge/serverledge-conf.yaml"], text);
  return machine;
}

/** Creates a function on the machine's node and invokes it. */
async function invoke(machine: SystemdMachine): Promise<void> {
  await machine.run(["tee", "/tmp/inc.ts"], source);
  await eventually("the node serves", async () => {
    return (await machine.run(["serverledge", "status"])).code === 0;
  });
  const create = ["create", "inc", "--runtime", "deno", "--src", "/tmp/inc.ts"];
  await machine.ok("serverledge", ...create, "--handler", "inc.handler");
  const answer = JSON.parse(await machine.ok("serverledge", "invoke", "inc", "-p", "n:1"));
  assert.equal(answer.Result, '{"n":2}');
}

for (const user of ["serverledge", "root"]) {
  Deno.test(`service: installed for ${user}, it runs functions within the unit's limits`, async () => {
    await using machine = await machineWithProgram();
    const installed = await machine.ok("serverledge", "service", "install", "--user-name", user);
    assert.match(installed, /run systemctl restart/);
    await invoke(machine);

    const state = JSON.parse(await machine.ok("serverledge", "service", "status"));
    assert.equal(state.Active, "active");
    assert.equal(state.User, user);
    const status = await machine.ok("cat", `/proc/${state.Pid}/status`);
    const uid = (await machine.ok("id", "--user", user)).trim();
    assert.match(status, new RegExp(`^Uid:\\t${uid}\\t`, "m"));
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    if (user !== "root") assert.match(status, /^CapBnd:\t0+$/m);
    const inside = ["nsenter", "--target", String(state.Pid), "--mount"];
    const write = await machine.run([...inside, "touch", "/usr/bin/changed"]);
    assert.match(write.stderr, /Read-only file system/);
    assert.equal(
      (await machine.ok("stat", "--format=%a %U", "/var/lib/serverledge")).trim(),
      `700 ${user}`,
    );
    assert.ok((await machine.ok("ls", "/var/lib/serverledge")).includes("registry.db"));
    // 45 s of grace and the margin.
    const limit = await machine.ok("systemctl", "show", "-p", "TimeoutStopUSec", "serverledge");
    assert.equal(limit.trim(), "TimeoutStopUSec=1min 15s");

    const examined = JSON.parse(await machine.ok("serverledge", "doctor", "--json"));
    const texts = examined.Findings.map(({ Message }: { Message: string }) => Message).join("\n");
    assert.match(texts, new RegExp(`^The service runs as ${user}, process ${state.Pid}$`, "m"));
    assert.match(texts, /^The service may open \d+ files$/m);
    assert.match(texts, /^A node responds at 127\.0\.0\.1:\d+$/m);
    const long = await machine.ok("serverledge", "doctor", "--json", "--set", "shutdown.grace=80");
    assert.match(long, /TimeoutStopSec=110 in the unit/);

    await machine.copy(defaultBinary(), `${program}.new`);
    await machine.ok("mv", `${program}.new`, program);
    await machine.ok("systemctl", "reload", "serverledge");
    await eventually("the installed program has taken over", async () => {
      const pid = await machine.ok("systemctl", "show", "-p", "MainPID", "--value", "serverledge");
      const old = await machine.run(["test", "-e", `/proc/${state.Pid}`]);
      return pid.trim() !== String(state.Pid) && old.code !== 0;
    });
    const facts = ["ActiveState", "NRestarts"].flatMap((one) => ["-p", one]);
    assert.equal(
      (await machine.ok("systemctl", "show", ...facts, "serverledge")).trim(),
      "NRestarts=0\nActiveState=active",
    );
    const again = JSON.parse(await machine.ok("serverledge", "invoke", "inc", "-p", "n:2"));
    assert.equal(again.Result, '{"n":3}');
    const replaced = JSON.parse(await machine.ok("serverledge", "service", "status"));

    await machine.ok("systemctl", "kill", "--kill-who=main", "--signal=KILL", "serverledge");
    await eventually("systemd has restarted the node", async () => {
      const status = await machine.run(["serverledge", "service", "status"]);
      return status.code === 0 && JSON.parse(status.stdout).Pid !== replaced.Pid &&
        (await machine.run(["serverledge", "status"])).code === 0;
    });
    const listed = await machine.ok("serverledge", "list");
    assert.match(listed, /inc/);

    await machine.ok("systemctl", "stop", "serverledge");
    const result = await machine.ok("systemctl", "show", "-p", "Result", "serverledge");
    assert.equal(result.trim(), "Result=success");
    assert.equal((await machine.run(["serverledge", "service", "status"])).code, 2);
    await machine.ok("serverledge", "service", "uninstall");
    assert.notEqual((await machine.run(["systemctl", "cat", "serverledge"])).code, 0);
    assert.ok((await machine.ok("ls", "/var/lib/serverledge")).includes("registry.db"));
  });
}

Deno.test("service: a user of the Docker engine without any capability runs containers", async () => {
  await using dir = await tempDir("unprivileged");
  const { gid } = await Deno.stat("/var/run/docker.sock");
  const user = 65534;
  await Deno.chmod(dir.path, 0o755);
  const data = `${dir.path}/data`;
  await Deno.mkdir(data);
  await Deno.chown(data, user, user);
  // As the unit has it: user, group of the engine, no capabilities, no new privileges.
  const ids = [`--reuid=${user}`, `--regid=${user}`, `--groups=${gid}`];
  const without = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"];
  const port = freePort();
  const settings = [`data.dir=${data}`, `api.port=${port}`].flatMap((one) => ["--set", one]);
  const node = new Deno.Command("prlimit", {
    args: ["--nofile=20000:20000", "setpriv", ...ids, ...without, defaultBinary(), "start"]
      .concat(settings),
    env: { HOME: "/nonexistent" },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  try {
    await eventually("the node serves", () => get(`${url}/healthz`).then(() => true, () => false));
    const fn = await python("f", "def f(p, c): return p['n'] + 1");
    assert.equal((await post(`${url}/create`, fn)).status, 200);
    const answer = await post(`${url}/invoke/f`, { Params: { n: 1 } });
    assert.equal(answer.body.Result, "2", JSON.stringify(answer.body));
  } finally {
    node.kill("SIGTERM");
    assert.equal((await node.status).code, 0);
  }
});

Deno.test("service: systemd accepts the unit without a remark", async () => {
  await using dir = await tempDir("unit");
  for (const user of ["root", "daemon"]) {
    const path = `${dir.path}/serverledge.service`;
    await Deno.writeTextFile(path, unitText({ program: "/bin/true", user, graceS: 30 }));
    const verified = await runToEnd(["systemd-analyze", "verify", "--man=no", path]);
    assert.deepEqual(verified, { code: 0, stdout: "", stderr: "" });
  }
});

Deno.test("service: a dry run shows the whole unit and changes nothing", async () => {
  await using machine = await startSystemdMachine();
  await machine.copy(defaultBinary(), program);
  const shown = await machine.ok("serverledge", "service", "install", "--dry-run");
  assert.match(shown, /^ExecStart=\/usr\/local\/bin\/serverledge start$/m);
  assert.match(shown, /^# run useradd /m);
  assert.notEqual((await machine.run(["systemctl", "cat", "serverledge"])).code, 0);
  assert.notEqual((await machine.run(["id", "serverledge"])).code, 0);
});

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/network/free_port.ts";
import { defaultBinary } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { startSystemdMachine } from "../support/systemd_machine.ts";
import { tempDir } from "../support/temp_dir.ts";

const own = Deno.build.arch;
const debian = { x86_64: "amd64", aarch64: "arm64" } as const;
const packageName = `serverledge_${manifest.version}_${debian[own]}.deb`;
const source = "export const handler = ({ n }: { n: number }) => ({ n: n + 1 });\n";

const script = new URL("../../scripts/release/release.ts", import.meta.url).pathname;

/** Packs programs for architectures, by a process with a umask of its own. */
async function pack(
  programs: string,
  made: string,
  targets: string[],
  umask = "022",
): Promise<void> {
  const named = targets.flatMap((target) => ["--target", target]);
  const args = ["--programs", programs, "--output", made, ...named];
  const command = [Deno.execPath(), "run", "--no-check", "-A", script, ...args];
  await output("sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...command);
}

async function output(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(command);
  assert.equal(code, 0, `${command.join(" ")}: ${stderr}`);
  return stdout;
}

interface Materials {
  readonly metadata: { readonly component: { readonly "bom-ref": string } };
  readonly components: readonly { readonly "bom-ref": string; readonly licenses?: unknown }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** Asserts that a bill of materials is closed: it lists once whatever it refers to. */
function assertMaterials(text: string): void {
  const { metadata, components, dependencies } = JSON.parse(text) as Materials;
  const listed = components.map((component) => component["bom-ref"]);
  const refs = new Set([...listed, metadata.component["bom-ref"]]);
  assert.equal(refs.size, listed.length + 1);
  for (const { ref, dependsOn } of dependencies) {
    for (const one of [ref, ...dependsOn]) assert.ok(refs.has(one), one);
  }
  for (const component of components) assert.ok(component.licenses, component["bom-ref"]);
  for (const name of ["deno@", "v8@", "valibot@", "native/init-amd64"]) {
    assert.ok(listed.some((ref) => ref.startsWith(name)), name);
  }
}

Deno.test("release: the same commit gives the same packages, each with its architecture", async () => {
  await using dir = await tempDir("release");
  // Packing does not look into the program: a small one is enough, of another time in each round.
  const programs = `${dir.path}/programs`;
  await Deno.mkdir(programs);
  const sums: string[] = [];
  for (const round of [1, 2]) {
    for (const target of ["x86_64", "aarch64"]) {
      const path = `${programs}/serverledge-${target}`;
      await Deno.writeTextFile(path, `program for ${target}`, { mode: 0o700 });
      await Deno.utime(path, round, round);
    }
    const made = `${dir.path}/${round}`;
    await pack(programs, made, ["x86_64", "aarch64"], round === 1 ? "022" : "077");
    sums.push(await Deno.readTextFile(`${made}/SHA256SUMS`));
  }
  assert.equal(sums[0], sums[1]);
  const again = `${dir.path}/1`;
  await pack(programs, again, ["x86_64", "aarch64"]);
  await Deno.writeTextFile(`${again}/own.txt`, "not of a release");
  await assert.rejects(pack(programs, again, ["x86_64"]), /it has other files \(own\.txt\)/);
  assert.ok((await Deno.readTextFile(`${again}/SHA256SUMS`)).includes("arm64"));
  assert.deepEqual(sums[0]!.trim().split("\n").map((line) => line.split("  ")[1]), [
    `serverledge-${manifest.version}-linux-aarch64.tar.gz`,
    `serverledge-${manifest.version}-linux-x86_64.tar.gz`,
    `serverledge-${manifest.version}.cdx.json`,
    `serverledge_${manifest.version}_amd64.deb`,
    `serverledge_${manifest.version}_arm64.deb`,
  ]);
  const arm = `${dir.path}/1/serverledge_${manifest.version}_arm64.deb`;
  assert.equal((await output("dpkg-deb", "--field", arm, "Architecture")).trim(), "arm64");
  const listed = await output("dpkg-deb", "--contents", arm);
  for (const line of listed.trim().split("\n")) assert.match(line, /^\S+ root\/root /);
  assert.match(listed, /^-rw------- .* \.\/etc\/serverledge\/environment$/m);
  assert.match(listed, /^-rwxr-xr-x .* \.\/usr\/bin\/serverledge$/m);
  assertMaterials(
    await Deno.readTextFile(`${dir.path}/1/serverledge-${manifest.version}.cdx.json`),
  );
  const archive = `${dir.path}/1/serverledge-${manifest.version}-linux-aarch64.tar.gz`;
  const names = await output("tar", "--list", "--file", archive);
  assert.match(names, /\/usr\/share\/man\/man1\/serverledge\.1\.gz$/m);
});

Deno.test("release: the package installs, upgrades, removes and purges a node", async () => {
  await using dir = await tempDir("release");
  const programs = `${dir.path}/programs`;
  await Deno.mkdir(programs);
  await Deno.symlink(defaultBinary(), `${programs}/serverledge-${own}`);
  await pack(programs, `${dir.path}/made`, [own]);

  await using machine = await startSystemdMachine();
  const config = `api.port: ${freePort()}\n`;
  await machine.ok("mkdir", "/etc/serverledge");
  await machine.run(["tee", "/etc/serverledge/serverledge-conf.yaml"], config);
  await machine.copy(`${dir.path}/made/${packageName}`, `/root/${packageName}`);
  const install = ["dpkg", "--force-confold", "--install", `/root/${packageName}`];
  await machine.ok(...install);
  const serves = () =>
    eventually("the service serves", async () => {
      return (await machine.run(["serverledge", "status"])).code === 0;
    });
  await serves();
  const state = JSON.parse(await machine.ok("serverledge", "service", "status"));
  assert.deepEqual([state.User, state.Enabled], ["serverledge", "enabled"]);
  assert.match(state.Unit, /\/lib\/systemd\/system\/serverledge\.service$/);
  await machine.run(["tee", "/tmp/inc.ts"], source);
  const create = ["create", "inc", "--runtime", "deno", "--src", "/tmp/inc.ts"];
  await machine.ok("serverledge", ...create, "--handler", "inc.handler");
  const answer = JSON.parse(await machine.ok("serverledge", "invoke", "inc", "-p", "n:1"));
  assert.equal(answer.Result, '{"n":2}');
  await machine.ok("bash", "-c", "source /usr/share/bash-completion/completions/serverledge");
  // All files are as the package's sums say but the configuration, which was there before.
  const changed = (await machine.run(["dpkg", "--verify", "serverledge"])).stdout.trim().split(
    "\n",
  );
  assert.deepEqual(changed.map((line) => line.split(" ").at(-1)), [
    "/etc/serverledge/serverledge-conf.yaml",
  ]);

  const twice = await machine.run(["serverledge", "service", "install"]);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /The package has installed the service/);

  // Again is what an upgrade does: another process, the same data and configuration.
  await machine.ok(...install);
  await serves();
  await eventually("the installed program has taken over", async () => {
    const upgraded = JSON.parse(await machine.ok("serverledge", "service", "status"));
    return upgraded.Pid !== state.Pid;
  });
  assert.match(await machine.ok("serverledge", "list"), /inc/);
  assert.equal(await machine.ok("cat", "/etc/serverledge/serverledge-conf.yaml"), config);

  await machine.ok("dpkg", "--remove", "serverledge");
  assert.notEqual((await machine.run(["systemctl", "is-active", "serverledge"])).code, 0);
  await machine.ok("test", "-e", "/var/lib/serverledge/registry.db");
  await machine.ok("dpkg", "--purge", "serverledge");
  const left = ["/var/lib/serverledge", "/etc/serverledge/environment", "/usr/bin/serverledge"];
  for (const path of left) assert.notEqual((await machine.run(["test", "-e", path])).code, 0, path);
  assert.notEqual((await machine.run(["id", "serverledge"])).code, 0);
});

Deno.test("release: the program prints its licenses with their texts", async () => {
  const listed = JSON.parse(await output(defaultBinary(), "licenses", "--texts", "--json"));
  const names = listed.map(({ Name }: { Name: string }) => Name);
  for (const name of ["deno", "v8", "etcd3", "valibot"]) assert.ok(names.includes(name), name);
  for (const { Name, License } of listed) assert.ok(License, Name);
  const mit = listed.find(({ Name }: { Name: string }) => Name === "valibot");
  assert.match(mit.Text, /Permission is hereby granted/);
});

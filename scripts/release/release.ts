/**
 * Makes a release in `dist/release`: for each architecture a Debian package and an archive, the bill of
 * materials, and `SHA256SUMS`. The same commit gives the same packages: all times are the commit's.
 *
 * Usage: deno run -A scripts/release/release.ts [--target x86_64|aarch64]... [--programs DIR] [--output DIR]
 *
 * An earlier release in the output directory is removed; a directory with other files is refused.
 * `--programs` packs the programs of a directory, e.g. `dist`, instead of building them. Needs dpkg-deb, tar
 * and gzip.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../../deno.json" with { type: "json" };
import type { Target } from "../build/denort.ts";
import { capture, root, run } from "../project.ts";
import { commonFiles, programPath, type ReleaseFile } from "./contents.ts";
import {
  configurationFiles,
  controlText,
  debianArchitectures,
  maintainerScripts,
} from "./debian.ts";
import { sbom } from "./sbom.ts";

const allTargets: readonly Target[] = ["x86_64", "aarch64"];

/** What a release is made of, and where it goes. */
interface ReleaseOptions {
  readonly targets: readonly Target[];
  /** Directory with the programs `serverledge-x86_64` and `serverledge-aarch64`. */
  readonly programs: string;
  /** Directory for the release; an earlier release in it is removed. */
  readonly output: string;
}

/** A release in the making. */
interface Release extends ReleaseOptions {
  /** Files of all architectures. */
  readonly files: readonly ReleaseFile[];
  /** Time of the commit, s since 1970. */
  readonly time: number;
}

/** Makes a release. */
async function makeRelease(options: ReleaseOptions): Promise<void> {
  const { targets, output } = options;
  const { time, commit } = await origin();
  const materials = await sbom(time, commit);
  const files = await commonFiles(time, materials);
  await Deno.mkdir(output, { recursive: true });
  await removeRelease(output);
  for (const target of targets) await pack({ ...options, files, time }, target);
  await Deno.writeTextFile(`${output}/serverledge-${manifest.version}.cdx.json`, materials);
  await writeSums(output);
}

/** Removes an earlier release. @throws if the directory has anything else, and then removes nothing */
async function removeRelease(output: string): Promise<void> {
  const names = [...Deno.readDirSync(output)].map(({ name }) => name);
  const other = names.find((name) =>
    !/^serverledge.*\.(deb|tar\.gz|json)$|^SHA256SUMS$/.test(name)
  );
  if (other !== undefined) {
    throw new Error(`Cannot write a release to ${output}: it has other files (${other})`);
  }
  for (const name of names) await Deno.remove(`${output}/${name}`);
}

async function origin(): Promise<{ time: number; commit: string }> {
  const [time, commit] = (await capture("git", ["log", "-1", "--format=%ct %h"], { cwd: root }))
    .split(" ") as [string, string];
  return { time: Number(time), commit };
}

/** Packs the files for one architecture. */
async function pack(release: Release, target: Target): Promise<void> {
  const stage = await Deno.makeTempDir({ prefix: "serverledge-release-" });
  try {
    await Deno.chmod(stage, 0o755);
    const program: ReleaseFile = {
      path: programPath,
      mode: 0o755,
      content: { copyOf: `${release.programs}/serverledge-${target}` },
    };
    for (const file of [program, ...release.files]) await write(`${stage}/${file.path}`, file);
    await run("gzip", ["-9n", `${stage}/usr/share/man/man1/serverledge.1`]);
    await packArchive(release, target, stage);
    await packDebian(release, target, stage);
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

async function write(path: string, { content, mode }: ReleaseFile): Promise<void> {
  await makeDirectory(dirname(path));
  if ("text" in content) await Deno.writeTextFile(path, content.text);
  else await Deno.copyFile(content.copyOf, path);
  await Deno.chmod(path, mode);
}

/** Makes directories whose mode does not depend on this process's umask. */
async function makeDirectory(path: string): Promise<void> {
  if (await Deno.stat(path).then(() => true, () => false)) return;
  await makeDirectory(dirname(path));
  await Deno.mkdir(path);
  await Deno.chmod(path, 0o755);
}

async function packArchive(
  { output, time }: Release,
  target: Target,
  stage: string,
): Promise<void> {
  const name = `serverledge-${manifest.version}-linux-${target}`;
  await run("tar", [
    ...["--create", "--file", `${output}/${name}.tar`, "--directory", stage, "--sort=name"],
    ...[`--mtime=@${time}`, "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"],
    ...[`--transform=s,^\\.,${name},`, "."],
  ]);
  await run("gzip", ["-n", "--force", `${output}/${name}.tar`]);
}

async function packDebian(release: Release, target: Target, stage: string): Promise<void> {
  const { files, output, time } = release;
  const text = (path: string, text: string, mode: number) =>
    write(`${stage}/DEBIAN/${path}`, { path, mode, content: { text } });
  const sums = await capture("sh", ["-c", "find usr -type f | LC_ALL=C sort | xargs md5sum"], {
    cwd: stage,
  });
  const size = await capture("du", ["--summarize", "--apparent-size", "--block-size=1024", stage]);
  await text("control", controlText(target, Number.parseInt(size)), 0o644);
  await text("md5sums", `${sums}\n`, 0o644);
  await text("conffiles", configurationFiles(files.map(({ path }) => path)), 0o644);
  for (const [name, script] of Object.entries(maintainerScripts)) await text(name, script, 0o755);
  const name = `serverledge_${manifest.version}_${debianArchitectures[target]}.deb`;
  // gzip: Debian 11 reads no zstd, and xz takes minutes.
  await run("dpkg-deb", [
    "--root-owner-group",
    "-Zgzip",
    "-z6",
    "--build",
    stage,
    `${output}/${name}`,
  ], {
    env: { SOURCE_DATE_EPOCH: String(time) },
  });
}

async function writeSums(output: string): Promise<void> {
  const names = [...Deno.readDirSync(output)].map(({ name }) => name).sort();
  const sums = await capture("sha256sum", names, { cwd: output });
  await Deno.writeTextFile(`${output}/SHA256SUMS`, `${sums}\n`);
  console.log(sums);
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      target: { type: "string", multiple: true },
      programs: { type: "string" },
      output: { type: "string" },
    },
  });
  const targets = (values.target ?? allTargets) as Target[];
  if (values.programs === undefined) {
    const wanted = targets.flatMap((target) => ["--target", target]);
    await run(Deno.execPath(), ["run", "-A", `${root}scripts/build/compile.ts`, ...wanted]);
  }
  const { programs = `${root}dist`, output = `${root}dist/release` } = values;
  await makeRelease({ targets, programs: resolve(programs), output: resolve(output) });
}

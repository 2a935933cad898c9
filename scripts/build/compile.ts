/**
 * Builds the binaries `dist/serverledge-x86_64` and `dist/serverledge-aarch64`, and links
 * `dist/serverledge` to this machine's.
 *
 * Usage: deno run -A scripts/build/compile.ts [--target x86_64|aarch64]...
 *
 * Two stages: all modules are bundled first, and the bundle is compiled. Compiling the module graph
 * itself works too, but makes the program 26 MB larger and its resident memory 26 MiB larger (82
 * instead of 56 MiB after start).
 *
 * @module
 */

import { parseArgs } from "node:util";
import { deflateSync } from "node:zlib";
import { collectComponents } from "./components.ts";
import { findBase, type Target } from "./denort.ts";
import { countDisposals } from "./disposals.ts";
import { countSourceDisposals, minify, stopMinifier } from "./minify.ts";
import { packWasm } from "./packed_wasm.ts";
import { capture, root, run } from "../project.ts";

const dist = `${root}dist/`;
const stage = `${dist}stage/`;
const targets: readonly Target[] = ["x86_64", "aarch64"];

/** Stands in lib/base/version.ts for the commit. */
const stamp = "@serverledge-commit@";

/** Stands in lib/cli/licenses.ts for the licenses. */
const licenseStamp = "@serverledge-licenses@";

/**
 * What each chunk of the bundle starts with: CommonJS packages inside expect these names.
 * A block-scoped name of the bundle's own would clash; the bundler renames those.
 */
const prelude = 'import{createRequire as createRequireOfNode}from"node:module";' +
  "const require=createRequireOfNode(import.meta.url)," +
  "__dirname=import.meta.dirname,__filename=import.meta.filename;\n";

/**
 * Modules of dockerode and docker-modem that load other packages whole (ssh2; @grpc/grpc-js and its
 * loader) for what we never ask of them: Docker over SSH, builds by BuildKit. Without them the first
 * request to Docker takes 40 ms and 9 MiB less.
 */
const unused = ["./ssh", "./session"];

/** The modules of WebAssembly in the bundle: amaro's and HiGHS's. */
const wasmModules = 2;

/**
 * All permissions. The node bounds the memory of sandboxes by control groups and by what `/proc`
 * tells of them, and Deno opens these paths to programs with all permissions only. A node talks to
 * Docker, which can do anything anyway; its sandboxes give up everything before they run code.
 */
const permissions = ["--allow-all"];

/**
 * Sandboxes of WebAssembly modules have to say when garbage is to be collected: it is as large as the
 * memories of the modules, which the engine does not count. Baseline code that counts the targets of
 * indirect calls would hold up a long first call of a module (lib/runtime/sandbox/README.md).
 */
const engineFlags = ["--v8-flags=--expose-gc,--no-wasm-inlining-call-indirect"];

/**
 * Features of `deno.json` that the bundle has no more need for. Left on, raw imports would let code
 * in a sandbox that gets hold of an `import()` read any file.
 */
const bundledFeatures = ["raw-imports"];

async function currentCommit(): Promise<string> {
  try {
    const commit = await capture("git", ["rev-parse", "--short", "HEAD"], { cwd: root });
    const changes = await capture("git", ["status", "--porcelain"], { cwd: root });
    return changes === "" ? commit : `${commit}-dirty`;
  } catch {
    return "unknown"; // An archive of the sources without git is fine to build from.
  }
}

/** The licenses as lib/cli/licenses.ts expects them. */
async function packedLicenses(): Promise<string> {
  const { all } = await collectComponents();
  const list = all.map(({ name, version, license, text }) => ({ name, version, license, text }));
  return deflateSync(JSON.stringify(list), { level: 9 }).toString("base64");
}

/** The files of our own modules that the program can reach. */
async function reachableSources(): Promise<string[]> {
  const info = JSON.parse(
    await capture(Deno.execPath(), ["info", "--json", "main.ts"], { cwd: root }),
  ) as { modules: { kind: string; local?: string }[] };
  return info.modules.filter(({ kind }) => kind === "esm").map(({ local }) => local!);
}

/** Stage 1: one chunk for what every command needs, others for what is imported dynamically. */
async function bundle(commit: string): Promise<void> {
  const licenses = await packedLicenses();
  const options = ["--platform", "deno", "--code-splitting", "--outdir", `${stage}js`];
  for (const module of unused) options.push("--external", `*${module.slice(1)}`);
  // Captured: what it warns of in other people's packages would hide what matters.
  await capture(Deno.execPath(), ["bundle", "--frozen", ...options, "main.ts"], { cwd: root });
  let stamps = 0;
  let left = 0;
  let packed = 0;
  let disposals = 0;
  for await (const { name } of Deno.readDir(`${stage}js`)) {
    const code = await Deno.readTextFile(`${stage}js/${name}`);
    stamps += code.split(stamp).length - 1 + code.split(licenseStamp).length - 1;
    const lean = code.replace(/\b[\w$]+\(("\.\/\w+")\)/g, (call, specifier) => {
      if (!unused.includes(JSON.parse(specifier))) return call;
      left++;
      return "{}";
    });
    const light = packWasm(lean);
    packed += light.count;
    const small = await minify(light.code.replace(stamp, commit).replace(licenseStamp, licenses));
    disposals += countDisposals(small);
    await Deno.writeTextFile(`${stage}js/${name}`, prelude + small);
    // The program contains the times of its files: the same source gives the same program.
    await Deno.utime(`${stage}js/${name}`, 0, 0);
  }
  if (left !== unused.length) {
    throw new Error(`The bundle asks ${left} times for ${unused}: expected once for each`);
  }
  if (packed !== wasmModules) {
    throw new Error(`The bundle holds ${packed} modules of WebAssembly: expected ${wasmModules}`);
  }
  if (stamps !== 2) {
    throw new Error(
      `The bundle holds ${stamp} and ${licenseStamp} ${stamps} times: expected once each`,
    );
  }
  const expected = await countSourceDisposals(await reachableSources());
  if (disposals < expected) {
    throw new Error(
      `The bundle holds ${disposals} of ${expected} "using" declarations of the sources: what the ` +
        "others hold would leak. Is one in code that nothing calls?",
    );
  }
}

/** Stage 2: the bundle and the base program become one file. */
async function compile(target: Target): Promise<string> {
  const base = await findBase(target);
  const output = `${dist}serverledge-${target}`;
  const manifest = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  const features = (manifest.unstable ?? []) as string[];
  const unstable = features.filter((feature) => !bundledFeatures.includes(feature))
    .map((feature) => `--unstable-${feature}`);
  const options = ["--no-check", "--no-prompt", "--no-config", "--quiet", ...unstable];
  options.push(...permissions, ...engineFlags);
  options.push("--target", `${target}-unknown-linux-gnu`);
  await run(Deno.execPath(), ["compile", ...options, "--output", output, `${stage}js/main.js`], {
    // The compiler's parser overflows the default stack of its threads on a bundle.
    env: { RUST_MIN_STACK: String(64 << 20), ...(base ? { DENORT_BIN: base } : {}) },
  });
  return output;
}

async function link(): Promise<void> {
  await Deno.remove(`${dist}serverledge`).catch(() => {});
  await Deno.symlink(`serverledge-${Deno.build.arch}`, `${dist}serverledge`);
}

function wantedTargets(): Target[] {
  const { values } = parseArgs({
    args: Deno.args,
    options: { target: { type: "string", multiple: true } },
  });
  const wanted = values.target ?? targets;
  const unknown = wanted.find((target) => !targets.includes(target as Target));
  if (unknown !== undefined) {
    console.error(`compile: --target must be ${targets.join(" or ")}: it is ${unknown}`);
    Deno.exit(1);
  }
  return wanted as Target[];
}

if (import.meta.main) {
  const wanted = wantedTargets();
  await Deno.remove(stage, { recursive: true }).catch(() => {});
  const commit = await currentCommit();
  await bundle(commit);
  await stopMinifier();
  for (const target of wanted) {
    const output = await compile(target);
    const mib = ((await Deno.stat(output)).size / (1 << 20)).toFixed(1);
    console.log(`compile: dist/serverledge-${target} ${mib} MiB (commit ${commit})`);
  }
  await link();
}

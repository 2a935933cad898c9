/**
 * Compiles the C programs of `lib/runtime/docker/native` for both architectures and writes them to
 * `lib/runtime/docker/native/programs.ts`. Needs clang and lld; only who changes them does.
 *
 * Usage: deno run -A scripts/build/native.ts
 *
 * @module
 */

import { capture, root } from "../project.ts";
import { sourceDigest } from "../../lib/runtime/docker/native/sources.ts";

const folder = "lib/runtime/docker/native";
const programs = ["fence", "init", "relay", "stdio"] as const;
const targets = { amd64: "x86_64", arm64: "aarch64" } as const;

const flags = [
  ..."-std=c17 -Os -Wall -Wextra -Werror -ffreestanding -fno-builtin -fno-pic".split(" "),
  ..."-fno-stack-protector -fno-asynchronous-unwind-tables".split(" "),
  ..."-nostdlib -static -fuse-ld=lld".split(" "),
  // 64 KiB: the largest page of arm64.
  "-Wl,-z,noseparate-code,-z,max-page-size=65536,-z,norelro,-z,noexecstack",
  "-Wl,--build-id=none,--strip-all",
];

async function compile(program: string, machine: string): Promise<string> {
  const path = await Deno.makeTempFile();
  try {
    const source = `${root}${folder}/${program}.c`;
    const target = `--target=${machine}-unknown-linux-gnu`;
    await capture("clang", [target, ...flags, "-o", path, source]);
    return (await Deno.readFile(path)).toBase64();
  } finally {
    await Deno.remove(path);
  }
}

const lines: string[] = [];
for (const program of programs) {
  for (const [architecture, machine] of Object.entries(targets)) {
    const text = await compile(program, machine);
    const parts = text.match(/.{1,94}/g)!.map((part) => `    "${part}"`);
    lines.push(`  "${program}-${architecture}":\n${parts.join(" +\n")},`);
  }
}
const target = `${root}${folder}/programs.ts`;
await Deno.writeTextFile(
  target,
  `/**
 * Static executables for containers, made from the sources in this folder by \`scripts/build/native.ts\`.
 *
 * @module
 */

/** SHA-256 of the sources. */
export const builtFrom = "${await sourceDigest()}";

/** Programs by name and architecture, ELF in base64. */
export const nativePrograms = {
${lines.join("\n")}
} as const;
`,
);
await capture(Deno.execPath(), ["fmt", "--quiet", target]);

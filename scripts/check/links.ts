/**
 * Checks that what Markdown files refer to exists: the targets of relative links, their headings, and the
 * files and folders of the project that are named in code spans, in READMEs of sources also in drawings.
 * Every module has a README.
 *
 * Usage: deno run -A scripts/check/links.ts
 *
 * @module
 */

import { posix } from "node:path";
import { capture, root } from "../project.ts";

/** A reference to something that does not exist. */
export interface BrokenReference {
  /** The file that has it. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** What it refers to, as it is written. */
  readonly target: string;
}

const link = /\]\((?!https?:)([^)\s]+)\)/g;
/** A path of the project; in a README of sources also the end of a path below its folder. */
const projectPath = /`((?:lib|policies|scripts|tests|examples|docs)\/[\w./-]+)`/g;
const sourcePath = /`([\w./-]+\.ts|[\w-]+\/)`/g;
/** In a drawing, which is a block of code without a language. */
const drawnPath = /([\w./-]+\.ts)\b/g;
const sourceReadme = /^(lib|policies|scripts|tests)\/(.*\/)?README\.md$/;

/**
 * Finds references to what does not exist.
 *
 * @param texts Markdown files by path
 * @param paths all files of the project
 */
export function findBroken(
  texts: ReadonlyMap<string, string>,
  paths: Iterable<string>,
): BrokenReference[] {
  const known = new Set<string>([""]);
  for (let path of paths) {
    for (; path !== "."; path = posix.dirname(path)) known.add(path);
  }
  const exists = (path: string) => known.has(posix.normalize(path).replace(/^\.?\/|\/$/g, ""));
  const below = (folder: string, path: string) =>
    [...known].some((one) => one.startsWith(`${folder}/`) && one.endsWith(`/${path}`));
  const broken: BrokenReference[] = [];
  for (const [file, text] of texts) {
    const folder = posix.dirname(file);
    const near = (path: string) =>
      [path, posix.join(folder, path)].some(exists) || below(folder, path.replace(/\/$/, ""));
    const drawings = withoutBlocks(text, true).split("\n");
    withoutBlocks(text).split("\n").forEach((line, at) => {
      const check = (pattern: RegExp, isFound: (target: string) => boolean, where = line) => {
        for (const [, target] of where.matchAll(pattern)) {
          if (!isFound(target!)) broken.push({ file, line: at + 1, target: target! });
        }
      };
      check(link, (target) => {
        const [path, heading] = target.split("#");
        const linked = path ? posix.join(folder, path) : file;
        return exists(linked) &&
          (heading === undefined || headings(texts.get(linked) ?? "").has(heading));
      });
      check(projectPath, exists);
      if (!sourceReadme.test(file)) return;
      check(sourcePath, near);
      check(drawnPath, near, drawings[at]);
    });
  }
  return broken;
}

/**
 * Finds folders that need a README and have none: the modules of the source, and the other folders of code.
 *
 * @param paths all files of the project
 */
export function withoutReadme(paths: readonly string[]): string[] {
  const folders = new Set(
    paths.flatMap((path) =>
      /^(lib\/[^/]+|policies|scripts|tests|examples)\//.exec(path)?.[1] ?? []
    ),
  );
  return [...folders].filter((folder) => !paths.includes(`${folder}/README.md`));
}

/** The text with empty lines for those of its blocks of code, or for all but those of its drawings. */
function withoutBlocks(text: string, isDrawn = false): string {
  let inBlock = false;
  let inDrawing = false;
  return text.split("\n").map((line) => {
    if (line.startsWith("```")) {
      inDrawing = !inBlock && line === "```";
      inBlock = !inBlock;
      return "";
    }
    return (isDrawn ? inDrawing && inBlock : !inBlock) ? line : "";
  }).join("\n");
}

/** The names by which GitHub links to headings. */
function headings(text: string): Set<string> {
  const titles = withoutBlocks(text).matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...titles].map(([, title]) =>
      title!.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

if (import.meta.main) {
  const args = ["-C", root, "ls-files", "--cached", "--others", "--exclude-standard"];
  const paths = (await capture("git", args)).split("\n");
  const texts = new Map<string, string>();
  for (const path of paths.filter((path) => path.endsWith(".md"))) {
    const text = await Deno.readTextFile(root + path).catch(() => undefined);
    if (text !== undefined) texts.set(path, text);
  }
  const broken = findBroken(texts, paths);
  for (const { file, line, target } of broken) {
    console.error(`${file}:${line}: there is no ${target}`);
  }
  const bare = withoutReadme(paths);
  for (const folder of bare) console.error(`${folder}: there is no README.md`);
  if (broken.length + bare.length > 0) Deno.exit(1);
  console.log(`${texts.size} Markdown files, all that they refer to exists`);
}

/**
 * Resolution of imports to files of an archive, as in Node.js, with two extensions known from bundlers: an
 * import may omit extensions and `index` files, and `.js` may name a `.ts` file.
 *
 * @module
 */

import { dirname, join, normalize } from "node:path/posix";
import { type Package, resolve as resolveTarget } from "resolve.exports";
import { type Builtin, findBuiltin } from "./builtins.ts";

/** Files of an archive by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Result of the resolution of an import. */
export type Resolution =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "builtin"; readonly builtin: Builtin }
  | { readonly kind: "nothing"; readonly why: string };

/** Kind of import, which determines the exports that a package offers. */
export type Way = "import" | "require";

const extensions = [".ts", ".mts", ".js", ".mjs", ".cjs", ".json"];
/** Extensions of compiled files, and of the sources that may replace them. */
const sources: Readonly<Record<string, string>> = { ".js": ".ts", ".mjs": ".mts" };
/** Conditions of packages' exports, in addition to the kind of import. A sandbox resembles a worker. */
const conditions = ["deno", "workerd", "worker", "browser", "module"];

/**
 * Resolves an import.
 *
 * @param from path of the importing file
 * @param specifier in that file
 * @param way kind of import
 */
export function resolve(files: Files, from: string, specifier: string, way: Way): Resolution {
  if (/^\.\.?(\/|$)/.test(specifier)) {
    const path = normalize(join(dirname(from), specifier));
    if (path.startsWith("..")) return nothing(`${specifier} is outside the function's directory`);
    return found(findFile(files, path), `there is no file ${path} in the archive`);
  }
  if (specifier.startsWith("/")) {
    return nothing("absolute paths are not supported: import a relative path");
  }
  const builtin = findBuiltin(specifier);
  if (builtin) return { kind: "builtin", builtin };
  const bare = specifier.replace(/^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?/, "$1");
  if (/^[a-z][a-z0-9+.-]*:/i.test(bare)) {
    return nothing(
      "only modules in the archive can be imported: bundle the module, or add it to the archive",
    );
  }
  if (bare.startsWith("#")) return resolveOwn(files, from, bare, way);
  return resolvePackage(files, from, bare, way);
}

/**
 * Finds the file that a path names.
 *
 * @param path of a file, with or without extension, or of a folder
 */
export function findFile(files: Files, path: string): string | undefined {
  if (files.has(path)) return path;
  const extension = /\.m?js$/.exec(path)?.[0];
  const source = extension && path.slice(0, -extension.length) + sources[extension];
  if (source && files.has(source)) return source;
  const base = path === "." ? "" : path;
  const candidates = [
    ...extensions.map((extension) => base + extension),
    ...extensions.map((extension) => join(base, `index${extension}`)),
  ];
  return candidates.find((candidate) => files.has(candidate));
}

/**
 * Finds the nearest `package.json` of a file.
 *
 * @returns its folder and content; undefined if the file has none
 */
export function packageOf(
  files: Files,
  path: string,
): { folder: string; manifest: Record<string, unknown> } | undefined {
  for (let folder = dirname(path);; folder = dirname(folder)) {
    const manifest = readManifest(files, folder);
    if (manifest) return { folder, manifest };
    if (folder === "." || folder.endsWith("node_modules")) return undefined;
  }
}

function readManifest(files: Files, folder: string): Record<string, unknown> | undefined {
  const bytes = files.get(join(folder, "package.json"));
  if (!bytes) return undefined;
  try {
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/** Resolves `#name`, a package's name for a module of its own. */
function resolveOwn(files: Files, from: string, specifier: string, way: Way): Resolution {
  const own = packageOf(files, from);
  const [target] = own ? targetsOf(own.manifest, specifier, way) : [];
  if (!target) return nothing(`no package.json defines the import ${specifier}`);
  if (!target.startsWith("./")) return resolvePackage(files, from, target, way);
  return found(
    findFile(files, normalize(join(own!.folder, target))),
    `${specifier} maps to no file`,
  );
}

function resolvePackage(files: Files, from: string, specifier: string, way: Way): Resolution {
  const [, name = "", rest = ""] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier) ?? [];
  for (let folder = dirname(from);; folder = dirname(folder)) {
    const home = join(folder, "node_modules", name);
    const manifest = readManifest(files, home);
    if (manifest) return inPackage(files, home, manifest, `.${rest}`, way);
    const direct = findFile(files, join(home, rest));
    if (direct) return { kind: "file", path: direct };
    if (folder === ".") break;
  }
  return nothing(
    `the package ${name} is not in the archive: add it to node_modules, or bundle it`,
  );
}

function inPackage(
  files: Files,
  home: string,
  manifest: Record<string, unknown>,
  subpath: string,
  way: Way,
): Resolution {
  if (manifest.exports !== undefined && manifest.exports !== null) {
    const paths = targetsOf(manifest, subpath, way).map((to) => normalize(join(home, to)));
    const why = `the package in ${home} does not export ${subpath}`;
    return found(paths.find((path) => files.has(path)), why);
  }
  if (subpath !== ".") {
    return found(findFile(files, normalize(join(home, subpath))), `${home} has no ${subpath}`);
  }
  const mains = [way === "import" ? manifest.module : undefined, manifest.main, "index"];
  for (const main of mains) {
    const path = typeof main === "string" && findFile(files, normalize(join(home, main)));
    if (path) return { kind: "file", path };
  }
  return nothing(`the package in ${home} has no main module`);
}

/**
 * Returns the targets that a manifest's exports and imports have for a name; none if the manifest is invalid.
 * The library stops at a condition that holds but has no target. The search therefore runs twice: with the
 * conditions of workers, and then without.
 */
function targetsOf(manifest: Record<string, unknown>, name: string, way: Way): string[] {
  return [[way, ...conditions], [way]].flatMap((conditions) => {
    try {
      return resolveTarget(manifest as unknown as Package, name, { unsafe: true, conditions }) ??
        [];
    } catch {
      return [];
    }
  });
}

function found(path: string | undefined, why: string): Resolution {
  return path ? { kind: "file", path } : nothing(why);
}

function nothing(why: string): Resolution {
  return { kind: "nothing", why };
}

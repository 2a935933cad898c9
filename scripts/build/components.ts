/**
 * The software that the program is made of, with its licenses: npm packages from Deno's module graph and
 * lock file, Deno and V8.
 *
 * @module
 */

import { capture, denoVersion, root } from "../project.ts";

/** One piece of software in the program. */
export interface Component {
  /** Unique id, also of the same package in another version. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** SPDX identifier or expression; empty if the package states none. */
  readonly license: string;
  /** Text of the license; empty if the package has no such file. */
  readonly text: string;
  /** SHA-512 of its archive in base64, from the lock file; absent for what is no package. */
  readonly sha512?: string;
  /** Ids of the components that it depends on. */
  readonly dependencies: readonly string[];
}

/** What the program consists of. */
export interface Components {
  /** Ids of the components that our own modules import. */
  readonly direct: readonly string[];
  /** All components, sorted by id. */
  readonly all: readonly Component[];
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly string[];
  readonly registryUrl: string;
}

interface Graph {
  readonly modules: readonly { readonly kind: string; readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, Package>>;
}

/** Packages that contain types only, of which nothing is in the program. */
const onlyTypes = /^@types\/|^(undici|openapi)-types$/;

/**
 * Collects the components. The packages are those that the program imports, and all that these depend on; the
 * bundler leaves out of the program what is never reached.
 */
export async function collectComponents(): Promise<Components> {
  const { modules, npmPackages } = await deno<Graph>("info", "--json", "main.ts");
  const { npmCache } = await deno<{ npmCache: string }>("info", "--json");
  const lock = JSON.parse(await Deno.readTextFile(`${root}deno.lock`)) as {
    npm: Record<string, { integrity: string }>;
  };
  const isCode = (id: string) => !onlyTypes.test(npmPackages[id]!.name);
  const direct = new Set(modules.flatMap(({ npmPackage }) => npmPackage ?? []).filter(isCode));
  const found = new Set(direct);
  // The set grows while it is walked.
  for (const id of found) {
    npmPackages[id]!.dependencies.filter(isCode).forEach((one) => found.add(one));
  }
  const packages = await Promise.all([...found].map(async (id): Promise<Component> => {
    const { name, version, dependencies, registryUrl } = npmPackages[id]!;
    const directory = `${npmCache}/${new URL(registryUrl).host}/${name}/${version}`;
    return {
      id: `${name}@${version}`,
      name,
      version,
      ...await readLicense(directory),
      sha512: lock.npm[id]!.integrity.replace(/^sha512-/, ""),
      dependencies: dependencies.filter(isCode).map((one) =>
        `${npmPackages[one]!.name}@${npmPackages[one]!.version}`
      ).sort(),
    };
  }));
  return {
    direct: [...[...direct].map((id) => `${npmPackages[id]!.name}@${npmPackages[id]!.version}`)]
      .concat("deno@" + denoVersion).sort(),
    all: [...packages, ...await runtime()].sort((a, b) => a.id < b.id ? -1 : 1),
  };
}

async function runtime(): Promise<Component[]> {
  const text = (name: string) =>
    Deno.readTextFile(new URL(`license_texts/${name}.txt`, import.meta.url));
  const v8 = { name: "v8", version: Deno.version.v8, license: "BSD-3-Clause" };
  const deno = { name: "deno", version: denoVersion, license: "MIT" };
  const v8Id = `v8@${v8.version}`;
  return [
    { id: `deno@${denoVersion}`, ...deno, text: await text("deno"), dependencies: [v8Id] },
    { id: v8Id, ...v8, text: await text("v8"), dependencies: [] },
  ];
}

async function readLicense(directory: string): Promise<{ license: string; text: string }> {
  const { license, licenses } = JSON.parse(await Deno.readTextFile(`${directory}/package.json`));
  const stated = license ?? licenses?.[0] ?? "";
  const texts: string[] = [];
  for (
    const { name } of [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1)
  ) {
    if (/^(licen[cs]e|copying|notice)/i.test(name)) {
      texts.push((await Deno.readTextFile(`${directory}/${name}`)).trim());
    }
  }
  return {
    license: typeof stated === "string" ? stated : stated.type ?? "",
    text: texts.join("\n\n"),
  };
}

async function deno<T>(...args: string[]): Promise<T> {
  return JSON.parse(await capture(Deno.execPath(), args, { cwd: root })) as T;
}

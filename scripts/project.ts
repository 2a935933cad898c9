/**
 * Where the project lies, and small tools that its scripts share.
 *
 * @module
 */

/** The project's folder, with a slash at its end. */
export const root: string = new URL("..", import.meta.url).pathname;

/** The version of Deno that the project is pinned to, and its base programs with it. */
export const denoVersion = "2.7.11";

/**
 * The path of a project file, seen from the root.
 *
 * @param specifier a module's URL
 * @returns undefined for anything outside of the project
 */
export function fromFileUrl(specifier: string): string | undefined {
  const prefix = `file://${root}`;
  return specifier.startsWith(prefix) ? specifier.slice(prefix.length) : undefined;
}

/**
 * Lists files, TypeScript by default.
 *
 * @param paths files and folders, seen from the root; absent ones are passed over
 * @param names what their names match
 * @returns the files in order, seen from the root
 */
export async function projectFiles(
  paths: readonly string[],
  names: RegExp = /\.ts$/,
): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const info = await Deno.stat(root + path).catch(() => undefined);
    if (info?.isFile && names.test(path)) files.push(path);
    if (!info?.isDirectory) continue;
    const entries = [];
    for await (const entry of Deno.readDir(root + path)) entries.push(`${path}/${entry.name}`);
    files.push(...await projectFiles(entries.sort(), names));
  }
  return files;
}

/**
 * Runs a program to its end, its output shown.
 *
 * @param command the program
 * @param args its arguments
 * @param options where, and with which environment besides this process's own
 * @throws when it does not succeed
 */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<void> {
  const child = new Deno.Command(command, { args: [...args], ...options }).spawn();
  const { code } = await child.status;
  if (code !== 0) throw new Error(`${command} ${args[0] ?? ""} ended with status ${code}`);
}

/**
 * Runs a program to its end and takes what it writes.
 *
 * @param command the program
 * @param args its arguments
 * @param options where, and with which environment besides this process's own
 * @returns its standard output, without white space at its ends
 * @throws with its standard error when it does not succeed
 */
export async function capture(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], ...options })
    .output();
  if (code === 0) return new TextDecoder().decode(stdout).trim();
  throw new Error(
    `${command} ${args[0] ?? ""} ended with status ${code}: ${new TextDecoder().decode(stderr)}`,
  );
}

/**
 * Detection of changed files. Programs replace certificates in many ways (write, rename, switch a link),
 * which notifications of the file system do not all report, so the files' metadata is compared.
 *
 * @module
 */

/**
 * Returns a text that differs after any of the files was written or replaced.
 *
 * @param paths paths of the files; links are followed
 */
export async function versionOf(...paths: readonly string[]): Promise<string> {
  const versions = await Promise.all(
    paths.map((path) =>
      Deno.stat(path).then(
        ({ dev, ino, size, mtime }) => `${dev}:${ino}:${size}:${mtime?.getTime()}`,
        (error: Error) => error.name,
      )
    ),
  );
  return versions.join(" ");
}

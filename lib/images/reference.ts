/**
 * Names of container images, and when two of them mean the same.
 *
 * @module
 */

/**
 * The form in which the engine lists an image: without the default registry and its `library/`
 * folder, with a tag or a digest.
 *
 * @param reference as people write it, e.g. `python` or `docker.io/library/python:3-slim`
 * @returns e.g. `python:latest`; an image id (`sha256:...`) as it is
 * @see https://github.com/distribution/reference familiar names
 */
export function familiarName(reference: string): string {
  if (reference.startsWith("sha256:")) return reference;
  const [named, digest] = reference.split("@") as [string, string | undefined];
  const slash = named.lastIndexOf("/");
  const colon = named.indexOf(":", slash + 1);
  const repository = familiarRepository(colon < 0 ? named : named.slice(0, colon));
  if (digest !== undefined) return `${repository}@${digest}`;
  return `${repository}:${colon < 0 ? "latest" : named.slice(colon + 1)}`;
}

function familiarRepository(repository: string): string {
  const short = repository.replace(/^(index\.)?docker\.io\//, "");
  return short.startsWith("library/") ? short.slice("library/".length) : short;
}

/** Names under which the engine lists one image. */
export interface ListedImage {
  /** The image's own id. */
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
}

/**
 * Whether an image is exactly the one that is meant: the engine also finds images by the first
 * digits of their ids, which must not be taken for a name.
 *
 * @param image what the engine found
 */
export function isImage(reference: string, image: ListedImage): boolean {
  return familiarNames(image).includes(familiarName(reference));
}

/**
 * All familiar names that mean an image, its id included.
 *
 * @param image as the engine lists it
 */
export function familiarNames({ Id, RepoTags, RepoDigests }: ListedImage): string[] {
  return [Id, ...[...RepoTags ?? [], ...RepoDigests ?? []].map(familiarName)];
}

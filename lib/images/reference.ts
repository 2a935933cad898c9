/**
 * References of container images.
 *
 * @module
 */

/**
 * Returns the familiar name of an image, as the engine lists it: without the default registry and its
 * `library/` folder, with a tag or a digest.
 *
 * @param reference a reference, e.g. `python` or `docker.io/library/python:3-slim`
 * @returns e.g. `python:latest`; an image id (`sha256:...`) unchanged
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

/**
 * Returns the registry of an image.
 *
 * @returns host, with a port if the reference has one; `docker.io` by default
 */
export function registryOf(reference: string): string {
  const slash = reference.indexOf("/");
  const first = slash < 0 ? "" : reference.slice(0, slash);
  const isHost = first.includes(".") || first.includes(":") || first === "localhost";
  return !isHost || first === "index.docker.io" ? "docker.io" : first;
}

/** Names of an image as listed by the engine. */
export interface ListedImage {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly RepoDigests?: readonly string[] | null;
}

/**
 * Whether an image has exactly a reference: the engine also finds images by a prefix of their id.
 *
 * @param image the image found by the engine
 */
export function isImage(reference: string, image: ListedImage): boolean {
  return familiarNames(image).includes(familiarName(reference));
}

/**
 * Returns all familiar names of an image, including its id.
 *
 * @param image the image as listed by the engine
 */
export function familiarNames({ Id, RepoTags, RepoDigests }: ListedImage): string[] {
  return [Id, ...[...RepoTags ?? [], ...RepoDigests ?? []].map(familiarName)];
}

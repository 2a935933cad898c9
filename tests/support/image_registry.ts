/**
 * A registry of container images on loopback, from which the real engine pulls: the reading half of
 * the distribution API, with small images made on the spot.
 *
 * @see https://github.com/opencontainers/distribution-spec pull
 * @module
 */

import { packTar } from "modern-tar";

/** A registry. Disposing it ends it. */
export interface ImageRegistry extends AsyncDisposable {
  /** Where it listens, as images name it, e.g. `127.0.0.1:5000`. */
  readonly host: string;
  /** Names that were asked for, in order. */
  readonly asked: readonly string[];
  /** True to begin blobs and never end them. */
  stalls: boolean;
  /** User name and password that it requires, `NAME:PASSWORD`; undefined: none. */
  credentials: string | undefined;
  /**
   * Makes an image of one file.
   *
   * @param name without host and tag; its tag is `1`
   * @param content of the file
   * @returns the image's whole name
   */
  add(name: string, content: string): Promise<string>;
}

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

/** Starts an empty registry. */
export function startImageRegistry(): ImageRegistry {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const manifests = new Map<string, string>();
  const asked: string[] = [];
  const state = { stalls: false, credentials: undefined as string | undefined };
  const stalled: ReadableStreamDefaultController[] = [];
  const stream = () => new ReadableStream({ start: (controller) => void stalled.push(controller) });
  const put = async (bytes: Uint8Array<ArrayBuffer>) => {
    const digest = await digestOf(bytes);
    blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  };

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ url, method, headers }) => {
      const { pathname } = new URL(url);
      const { credentials } = state;
      if (credentials && headers.get("authorization") !== `Basic ${btoa(credentials)}`) {
        const challenge = { "www-authenticate": 'Basic realm="images"' };
        return Response.json({ errors: [{ code: "UNAUTHORIZED" }] }, {
          status: 401,
          headers: challenge,
        });
      }
      if (pathname === "/v2/") return new Response("{}");
      const [, name, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(pathname) ??
        [];
      if (kind === "manifests" && !reference!.startsWith("sha256:")) asked.push(name!);
      const digest = manifests.get(`${name}:${reference}`) ?? reference ?? "";
      const blob = blobs.get(digest);
      if (!blob) return Response.json({ errors: [{ code: "MANIFEST_UNKNOWN" }] }, { status: 404 });
      const stalls = state.stalls && kind === "blobs";
      return new Response(method === "HEAD" ? null : stalls ? stream() : blob, {
        headers: {
          "content-type": kind === "manifests" ? manifestType : "application/octet-stream",
          "content-length": String(blob.length),
          "docker-content-digest": digest,
        },
      });
    },
  );
  const host = `127.0.0.1:${server.addr.port}`;

  return Object.assign(state, {
    host,
    asked,
    async add(name: string, content: string) {
      const layer = await layerOf(content);
      const diff = await digestOf(layer);
      const config = await put(json({
        architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
        os: "linux",
        config: { Cmd: ["/none"] },
        rootfs: { type: "layers", diff_ids: [diff] },
      }));
      const packed = await put(await gzip(layer));
      const manifest = await put(json({
        schemaVersion: 2,
        mediaType: manifestType,
        config: { mediaType: "application/vnd.docker.container.image.v1+json", ...config },
        layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", ...packed }],
      }));
      manifests.set(`${name}:1`, manifest.digest);
      return `${host}/${name}:1`;
    },
    async [Symbol.asyncDispose]() {
      for (const controller of stalled) controller.error();
      await server.shutdown();
    },
  });
}

async function layerOf(content: string): Promise<Uint8Array<ArrayBuffer>> {
  const body = new TextEncoder().encode(content);
  const header = { name: "content", size: body.length, mode: 0o644, type: "file" as const };
  return new Uint8Array(await packTar([{ header, body }]));
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return `sha256:${new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex()}`;
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

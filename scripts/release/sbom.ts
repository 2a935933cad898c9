/**
 * The bill of materials of the program in CycloneDX 1.6.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 * @module
 */

import manifest from "../../deno.json" with { type: "json" };
import { nativePrograms } from "../../lib/runtime/docker/native/programs.ts";
import { collectComponents, type Component, type Components } from "../build/components.ts";

const name = "serverledge";

/**
 * Makes the bill of materials.
 *
 * @param time of the release, s since 1970
 * @param commit that is released
 */
export async function sbom(time: number, commit: string): Promise<string> {
  const components = await collectComponents();
  const content = describe(components, await nativeHashes(), time, commit);
  const digest = await sha("SHA-256", new TextEncoder().encode(JSON.stringify(content)));
  return `${
    JSON.stringify({ ...head, serialNumber: `urn:uuid:${uuid(digest)}`, ...content }, null, 2)
  }\n`;
}

const head = { bomFormat: "CycloneDX", specVersion: "1.6" };

/** Describes all but the serial number, which is a digest of the rest. */
function describe(
  { direct, all }: Components,
  native: readonly { name: string; sha256: string }[],
  time: number,
  commit: string,
) {
  const self = `${name}@${manifest.version}`;
  return {
    version: 1,
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": self,
        name,
        version: manifest.version,
        licenses: [{ license: { id: manifest.license } }],
        properties: [{ name: "commit", value: commit }],
      },
    },
    components: [
      ...all.map(componentOf),
      ...native.map(({ name, sha256 }) => ({
        type: "application",
        "bom-ref": `native/${name}`,
        name,
        version: manifest.version,
        description: "Static program in C for containers, compiled from this project's source",
        licenses: [{ license: { id: manifest.license } }],
        hashes: [{ alg: "SHA-256", content: sha256 }],
      })),
    ],
    dependencies: [
      { ref: self, dependsOn: [...direct, ...native.map(({ name }) => `native/${name}`)] },
      ...all.map(({ id, dependencies }) => ({ ref: id, dependsOn: dependencies })),
    ],
  };
}

function componentOf({ id, name, version, license, sha512 }: Component) {
  return {
    type: sha512 ? "library" : "framework",
    "bom-ref": id,
    name,
    version,
    ...(license && { licenses: [licenseOf(license)] }),
    ...(sha512 && {
      hashes: [{ alg: "SHA-512", content: Uint8Array.fromBase64(sha512).toHex() }],
      purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    }),
  };
}

function licenseOf(license: string) {
  return / (OR|AND) /.test(license) ? { expression: license } : { license: { id: license } };
}

async function nativeHashes(): Promise<{ name: string; sha256: string }[]> {
  return await Promise.all(
    Object.entries(nativePrograms).map(async ([name, program]) => {
      return { name, sha256: (await sha("SHA-256", Uint8Array.fromBase64(program))).toHex() };
    }),
  );
}

async function sha(algorithm: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
}

/** Makes a UUID of version 8 (RFC 9562) from a digest. */
function uuid(digest: Uint8Array): string {
  const bytes = digest.slice(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

import assert from "node:assert/strict";
import { resolveConfig } from "../../../config/config.ts";
import { etcdOptions } from "./config.ts";
import type { EtcdOptions } from "./options.ts";

const pem = (what: string) => `-----BEGIN ${what}-----\nTUlJ\n-----END ${what}-----\n`;

const files: Record<string, string> = {
  "ca.pem": `# Our authority\n${pem("CERTIFICATE")}`,
  "node.pem": pem("CERTIFICATE"),
  "node.key": pem("EC PRIVATE KEY"),
  "locked.key": pem("ENCRYPTED PRIVATE KEY"),
  "cut.pem": pem("CERTIFICATE").slice(0, -10),
  "words.txt": "no PEM",
};

function options(values: Record<string, string>): EtcdOptions | undefined {
  const all = { "etcd.address": "a:2379", ...values };
  return etcdOptions(resolveConfig([{ origin: "node.yaml", values: all }]).config, (path) => {
    const content = files[path];
    if (content === undefined) throw new Deno.errors.NotFound(`No such file: readfile '${path}'`);
    return new TextEncoder().encode(content);
  });
}

function assertRefused(values: Record<string, string>, path: string, problem: string) {
  assert.throws(() => options(values), {
    code: "CONFIG_INVALID",
    message: `${path}: ${problem}`,
    details: { path },
  });
}

Deno.test("etcdOptions: undefined without an address, whatever the other keys", () => {
  assert.equal(options({ "etcd.address": "", "etcd.tls.ca": "absent.pem" }), undefined);
});

Deno.test("etcdOptions: members are separated by commas; TLS is off without certificates", () => {
  const { endpoints, tls } = options({ "etcd.address": "a:1, https://b" })!;
  assert.deepEqual([endpoints, tls], [["a:1", "https://b"], undefined]);
});

Deno.test("etcdOptions: an authority or a client certificate turns TLS on", () => {
  const authority = options({ "etcd.tls.ca": "ca.pem" })!.tls!;
  assert.deepEqual([!authority.ca, !authority.cert, !authority.key], [false, true, true]);
  const own = options({ "etcd.tls.cert": "node.pem", "etcd.tls.key": "node.key" })!.tls!;
  assert.deepEqual([!own.ca, !own.cert, !own.key], [true, false, false]);
});

Deno.test("etcdOptions: certificate and key require each other", () => {
  assertRefused({ "etcd.tls.cert": "node.pem" }, "etcd.tls.cert", "also needs etcd.tls.key");
  assertRefused(
    { "etcd.tls.ca": "ca.pem", "etcd.tls.key": "node.key" },
    "etcd.tls.key",
    "also needs etcd.tls.cert",
  );
});

Deno.test("etcdOptions: rejects unreadable and invalid files and names the key", () => {
  const absent = "cannot read absent.pem: no such file or directory";
  for (const key of ["etcd.tls.ca", "etcd.tls.cert", "etcd.tls.key"]) {
    assertRefused({ [key]: "absent.pem" }, key, absent);
  }
  for (const path of ["words.txt", "node.key", "cut.pem"]) {
    const problem = `${path} is not a PEM file with a certificate`;
    assertRefused({ "etcd.tls.ca": path }, "etcd.tls.ca", problem);
    assertRefused({ "etcd.tls.cert": path }, "etcd.tls.cert", problem);
  }
  for (const path of ["words.txt", "node.pem", "locked.key"]) {
    const problem = `${path} is not a PEM file with a private key without a passphrase`;
    assertRefused({ "etcd.tls.key": path }, "etcd.tls.key", problem);
  }
});

Deno.test("etcdOptions: rejects http:// with TLS", () => {
  assertRefused(
    { "etcd.address": "a:1,http://b:1", "etcd.tls.ca": "ca.pem" },
    "etcd.address",
    "http://b:1 does not use TLS, which etcd.tls.* enables: use https://",
  );
});

/**
 * Tokens of an identity provider at the binary: a server with its public keys, and tokens that it has signed.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { code } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { makeCertificate } from "../support/network/certificates.ts";
import { defaultBinary, type NodeProcess, startNodeProcess } from "../support/node.ts";
import { runToEnd } from "../support/process.ts";
import { tempDir } from "../support/temp_dir.ts";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
const issuer = "https://idp.example/realms/edge";

/** An identity provider: signs tokens, and serves its keys on loopback. */
class Provider implements AsyncDisposable {
  readonly #pairs = new Map<string, Pair>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** What a request for the keys waits for. */
  gate: Promise<unknown> | undefined;
  requests = 0;

  /** Creates a provider without keys. @param tls its certificate and key, PEM; undefined for plain HTTP */
  constructor(readonly tls?: { readonly cert: string; readonly key: string }) {
    const options = { port: 0, hostname: "127.0.0.1", onListen() {}, ...tls };
    this.#server = Deno.serve(options, async () => {
      this.requests++;
      await this.gate;
      return new Response(await this.keySet());
    });
  }

  get url(): string {
    return `${this.tls ? "https" : "http"}://127.0.0.1:${this.#server.addr.port}/keys`;
  }

  /** Begins to sign with a key of its own; its id is the algorithm unless one is given. */
  async add(alg: string, kid = alg): Promise<Pair> {
    const pair = await generateKeyPair(alg, { extractable: true });
    this.#pairs.set(kid, pair);
    return pair;
  }

  async keySet(): Promise<string> {
    const keys = [...this.#pairs].map(async ([kid, { publicKey }]) => ({
      ...await exportJWK(publicKey),
      kid,
      use: "sig",
    }));
    return JSON.stringify({ keys: await Promise.all(keys) });
  }

  async token(alg: string, claims: JWTPayload = {}, kid = alg): Promise<string> {
    return await new SignJWT(payload(claims)).setProtectedHeader({ alg, kid })
      .sign(this.#pairs.get(kid)!.privateKey);
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

function payload(claims: JWTPayload): JWTPayload {
  const exp = Math.floor(Date.now() / 1000) + 300;
  return { iss: issuer, aud: "edge", sub: "alice", exp, groups: ["ops"], ...claims };
}

function settings(jwks: string): Record<string, unknown> {
  return {
    "api.tokens": {
      issuer,
      audience: "edge",
      jwks,
      rights: [
        { claim: "groups", value: "ops", role: "admin" },
        { claim: "groups", value: "cam-*", role: "invoker", functions: ["camera-*"] },
      ],
    },
  };
}

/** Sends a request with a token. */
async function send(
  node: NodeProcess,
  token: string,
  path = "/function",
  body?: object,
): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${token}` };
  const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
  const response = await fetch(node.url + path, { ...init, headers });
  return { status: response.status, text: await response.text() };
}

Deno.test("tokens of an identity provider, as clients use them", async (t) => {
  await using provider = new Provider();
  const rsa = await provider.add("RS256");
  for (const alg of ["ES256", "EdDSA"]) await provider.add(alg);
  await using home = await tempDir("tokens-home");
  await using node = await startNodeProcess({
    config: settings(provider.url),
    env: { XDG_CONFIG_HOME: home.path },
  });
  const refused = async (token: string, why: RegExp) => {
    const { status, text } = await send(node, token);
    assert.equal(status, 401, text);
    assert.match(JSON.parse(text).message, why);
  };

  await t.step("each kind of signature is accepted, and a request without any is not", async () => {
    for (const alg of ["RS256", "ES256", "EdDSA"]) {
      assert.equal((await send(node, await provider.token(alg))).status, 200, alg);
    }
    const open = await fetch(`${node.url}/function`);
    await open.body?.cancel();
    assert.equal(open.status, 401);
  });

  await t.step("a wrong token is refused with the reason", async () => {
    const now = Math.floor(Date.now() / 1000);
    await refused(await provider.token("ES256", { exp: now - 60 }), /has expired/);
    await refused(await provider.token("ES256", { nbf: now + 60 }), /not valid yet/);
    await refused(await provider.token("ES256", { aud: "mail" }), /another audience/);
    await refused(await provider.token("ES256", { iss: "https://x" }), /not one of https:\/\/idp/);
  });

  await t.step("neither alg none nor the public key as a secret forges a token", async () => {
    await refused(new UnsecuredJWT(payload({})).encode(), /algorithm/);
    const secret = new TextEncoder().encode(await exportSPKI(rsa.publicKey));
    const confused = new SignJWT(payload({})).setProtectedHeader({ alg: "HS256", kid: "RS256" });
    await refused(await confused.sign(secret), /algorithm/);
    const { privateKey } = await generateKeyPair("ES256");
    const foreign = new SignJWT(payload({})).setProtectedHeader({ alg: "ES256", kid: "ES256" });
    await refused(await foreign.sign(privateKey), /signature/);
  });

  await t.step("claims give rights, and results belong to the subject", async () => {
    const TarFunctionCode = await code({ "main.js": "export default () => 'seen';" });
    const definition = { Runtime: "deno", MemoryMB: 64, Handler: "main", TarFunctionCode };
    const admin = await provider.token("ES256");
    const made = await send(node, admin, "/create", { ...definition, Name: "camera-1" });
    assert.equal(made.status, 200, made.text);
    const camera = (sub: string) => provider.token("ES256", { sub, groups: ["cam-north"] });
    const bob = await camera("bob");
    assert.equal((await send(node, bob, "/invoke/camera-1", {})).status, 200);
    const { status, text } = await send(node, bob, "/invoke/other", {});
    assert.equal(status, 403);
    assert.match(text, /token of \\"bob@idp\.example\\" \(role invoker, functions camera-\*\)/);
    assert.equal((await send(node, bob, "/keys")).status, 403);
    const none = await send(node, await provider.token("ES256", { groups: [] }), "/status");
    assert.equal(none.status, 403);
    assert.match(none.text, /no row of api\.tokens\.rights/);

    const { ReqId } = JSON.parse((await send(node, bob, "/invoke/camera-1", { Async: true })).text);
    const poll = async (token: string) => (await send(node, token, `/poll/${ReqId}`)).status;
    const again = await camera("bob");
    await eventually("the result is there", async () => await poll(again) === 200);
    assert.equal(await poll(await camera("eve")), 404);
  });

  await t.step("the command line takes a token as its key", async () => {
    const token = await provider.token("EdDSA");
    const run = (args: string[], env = {}, stdin?: string) =>
      runToEnd([defaultBinary(), ...args], {
        env: { HOME: home.path, XDG_CONFIG_HOME: home.path, ...env },
        stdin,
      });
    const listed = await run(["list", "--host", node.url], { SERVERLEDGE_KEY: token });
    assert.match(listed.stdout, /camera-1/, listed.stderr);
    const login = await run(["login", node.url], {}, `${token}\n`);
    assert.match(login.stderr, /alice@idp\.example.*admin/);
    assert.match((await run(["list"])).stdout, /camera-1/);
  });

  await t.step("tokens with known keys are valid while the provider hangs", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    provider.gate = promise;
    await provider.add("ES256", "new");
    const added = await provider.token("ES256", {}, "new");
    const status = async () => (await send(node, added)).status;
    const waiting = eventually("the key cannot be read", async () => await status() === 503);
    for (let i = 0; i < 5; i++) {
      const known = await provider.token("RS256", { sub: `carl-${i}` });
      assert.equal((await send(node, known)).status, 200);
    }
    await waiting;
    const admin = await provider.token("RS256");
    assert.match((await send(node, admin, "/healthz")).text, /tokens: cannot read the keys/);
    resolve();
    provider.gate = undefined;
    await eventually("the new key is known", async () => await status() === 200);
    assert(provider.requests < 10, `${provider.requests} requests for the keys`);
  });
});

Deno.test("a node reads the keys of tokens again when their file changes", async () => {
  await using provider = new Provider();
  await using folder = await tempDir("token-keys");
  const file = `${folder.path}/keys.json`;
  await provider.add("ES256", "old");
  await Deno.writeTextFile(file, await provider.keySet());
  await using node = await startNodeProcess({ config: settings(file) });
  const former = await provider.token("ES256", {}, "old");
  assert.equal((await send(node, former)).status, 200);
  await provider.add("ES256", "old");
  await Deno.writeTextFile(file, await provider.keySet());
  const next = await provider.token("ES256", {}, "old");
  await eventually("the new key is known", async () => (await send(node, next)).status === 200);
  // 429 if the new token was tried often before the node read the file.
  const { status } = await send(node, former);
  assert([401, 429].includes(status), `its key was replaced: ${status}`);
});

Deno.test("a node reads the keys of tokens by HTTPS from an issuer whose CA it is given, and no other", async () => {
  await using folder = await tempDir("token-tls");
  const files = await makeCertificate(folder.path, "idp");
  const [cert, key] = await Promise.all(
    [files.cert, files.key].map((path) => Deno.readTextFile(path)),
  );
  await using provider = new Provider({ cert: cert!, key: key! });
  await provider.add("ES256");
  const token = await provider.token("ES256");
  const start = (more: object) =>
    startNodeProcess({ config: { ...settings(provider.url), ...more } });
  await using node = await start({ "api.tokens.ca": files.cert });
  assert.equal((await send(node, token)).status, 200);
  await using other = await start({});
  assert.equal((await send(other, token)).status, 503);
});

Deno.test("a node beyond loopback starts with an issuer of tokens, if its settings are complete", async () => {
  await using provider = new Provider();
  await provider.add("ES256");
  const beyond = { ...settings(provider.url), "api.listen": "0.0.0.0" };
  await using node = await startNodeProcess({ config: beyond });
  assert.equal((await send(node, await provider.token("ES256"))).status, 200);

  const start = async (...sets: string[]) => {
    const args = [`api.tokens.issuer=${issuer}`, "api.port=0", ...sets];
    await using folder = await tempDir("tokens");
    return await runToEnd([
      defaultBinary(),
      "start",
      ...[`data.dir=${folder.path}`, ...args].flatMap((each) => ["--set", each]),
    ], { env: { HOME: folder.path } });
  };
  const complete = [
    "api.tokens.audience=edge",
    'api.tokens.rights=[{"claim":"sub","value":"*","role":"viewer"}]',
  ];
  const doctor = async (jwks: string) => {
    const args = [`api.tokens.issuer=${issuer}`, ...complete, `api.tokens.jwks=${jwks}`];
    const sets = args.flatMap((each) => ["--set", each]);
    const { stdout } = await runToEnd([defaultBinary(), "doctor", "--json", ...sets]);
    return stdout;
  };
  assert.match(await doctor(provider.url), /1 public key at http:/);
  assert.match(await doctor("/missing.json"), /Cannot read the keys at \/missing\.json/);
  for (
    const [sets, why] of [
      [["api.tokens.jwks=/x"], /api\.tokens\.audience: name this service/],
      [complete, /api\.tokens\.jwks: name the file or URL/],
      [[...complete, "api.tokens.jwks=http://idp.example/keys"], /use https:/],
      [
        ["api.tokens.audience=edge", "api.tokens.jwks=/x"],
        /api\.tokens\.rights: expected at least one row/,
      ],
    ] as [string[], RegExp][]
  ) {
    const { code, stderr } = await start(...sets);
    assert.equal(code, 1);
    assert.match(stderr, why);
  }
});

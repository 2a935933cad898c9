import { dirname, join } from "node:path";
import { randomId } from "../../../lib/base/ids.ts";
import { stripTypes } from "../../../lib/base/strip_types.ts";
import { SandboxFolder } from "../../../lib/runtime/sandbox/folder.ts";
import { prepareModules } from "../../../lib/runtime/sandbox/prepare/modules.ts";
import { SandboxProcess } from "../../../lib/runtime/sandbox/process.ts";
import { sandboxMode, type SandboxSpec } from "../../../lib/runtime/sandbox/spec.ts";
import { executorContract, type StartedExecutor } from "../../contract/executor.ts";
import { defaultBinary } from "../../support/node.ts";
import { sandboxUser } from "../../support/sandbox_world.ts";
import { tempDir } from "../../support/temp_dir.ts";

const nodeId = `wire-${randomId(6)}`;

/** The behaviours that the cases of the environment's suite lack. */
const moreCases = `export const invokes = async ({ name, params }, context) => {
  try {
    return { result: await context.invoke(name, params) };
  } catch ({ code, message }) {
    return { code, message };
  }
};
export const flood = { async fetch(request) {
  const { size } = await request.json();
  let at = 0;
  const pull = (body) => {
    if (at === size) return body.close();
    const from = at;
    at = Math.min(size, at + 65536);
    body.enqueue(Uint8Array.from({ length: at - from }, (_, i) => (from + i) % 251));
  };
  const headers = { "x-kind": "flood" };
  return new Response(new ReadableStream({ pull }), { status: 201, headers });
} };`;

async function codeFiles(): Promise<Map<string, Uint8Array>> {
  const folder = new URL("../../images/sandbox/", import.meta.url);
  const files = new Map([["more.js", new TextEncoder().encode(moreCases)]]);
  for (const name of ["cases.ts", "pause.ts"]) {
    files.set(name, await Deno.readFile(new URL(name, folder)));
  }
  return files;
}

/** Writes prepared code where the sandbox's user can read it. */
async function prepare(folder: string, handler: string): Promise<SandboxSpec> {
  const { files, entry, exportName } = prepareModules(await codeFiles(), handler, stripTypes);
  for (const [path, text] of files) {
    await Deno.mkdir(join(folder, dirname(path)), { recursive: true, mode: 0o755 });
    await Deno.writeTextFile(join(folder, path), text, { mode: 0o644 });
  }
  return {
    executor: "deno",
    name: "f",
    handler,
    folder,
    entry,
    exportName,
    env: {},
    stateful: false,
    http: "event",
    memoryMib: 128,
    concurrency: 2,
    network: "none",
    pipe: false,
    area: "TEST",
    node: nodeId,
  };
}

/** Starts a sandbox of the compiled program, as the node does, but for who listens. */
async function start(behaviour: string, token: string): Promise<StartedExecutor> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir("wire"));
  const user = Deno.uid() === 0 ? sandboxUser : undefined;
  const program = { path: defaultBinary(), args: [], user };
  const folder = stack.use(await SandboxFolder.open(path, { launcher: "", program }));
  const file = behaviour === "invokes" || behaviour === "flood" ? "more" : "cases";
  const handler = `${file}.${behaviour}`;
  const spec = await prepare(join(folder.path, "code"), handler);
  const socket = folder.newSocket();
  const listener = stack.use(Deno.listen({ transport: "unix", path: socket }));
  await Deno.chmod(socket, 0o666);
  const variables = { SERVERLEDGE_SOCKET: socket, SERVERLEDGE_TOKEN: token };
  const process = stack.use(SandboxProcess.start(program, [sandboxMode, nodeId], variables));
  const kept = stack.move();
  return {
    listener,
    load: { ...spec },
    follow: (read) => process.follow(read),
    ended: async () => void await process.ended,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

executorContract({ name: "sandbox", invokes: true, streams: true, alwaysGeneric: true, start });

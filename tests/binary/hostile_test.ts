import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import { post } from "../support/client.ts";
import { eventually } from "../support/eventually.ts";
import { breakouts, forgeries, networks, reaches } from "../support/functions/hostile_attacks.ts";
import {
  accidents,
  type HostileCase,
  type HostilePlaces,
} from "../support/functions/hostile_cases.ts";
import { type NodeProcess, startNodeProcess } from "../support/node.ts";
import { wasmCases } from "../support/functions/hostile_wasm.ts";
import { sandboxesOf, sandboxUser } from "../support/sandbox_world.ts";
import { tempDir } from "../support/temp_dir.ts";
import { buildWasm } from "../support/functions/wasm.ts";

/** The table that this test checks; written by it if the variable is set. */
const document = new URL("../../lib/runtime/sandbox/HOSTILE.md", import.meta.url);
const update = Deno.env.get("SERVERLEDGE_UPDATE_HOSTILE") === "1";

/** Most resident memory of the node while functions attack it, MiB. */
const maxNodeMib = 300;

const neighbourCode = `let calls = 0; export default () => ++calls;`;

Deno.test("hostile functions harm neither their neighbours nor the node", async (t) => {
  await using folder = await tempDir("hostile");
  const data = `${folder.path}/data`;
  const config = { "container.pool.memory": 4096, "data.dir": data };
  await using node = await startNodeProcess({ config });
  const lab = await Lab.open(node, folder.path, data);
  const groups: [string, readonly HostileCase[]][] = [
    ["Accidents", accidents],
    ["Code from text, modules from elsewhere", breakouts],
    ["Files, programs, network", reaches],
    ['The machine itself, with `Network: "bridge"`', networks],
    ["The channel to the node", forgeries],
    ["WebAssembly", wasmCases(await buildWasm())],
  ];
  let text = "";
  for (const [title, cases] of groups) {
    text +=
      `\n## ${title}\n\n| function | what happened to it | its neighbours | the node |\n| --- | --- | --- | --- |\n`;
    for (const one of cases) await t.step(one.name, async () => void (text += await lab.try(one)));
  }
  await t.step("sandboxes run as nobody and have no open files", () => lab.checkProcess());
  await t.step("nothing is left behind", async () => {
    assert.equal(await node.stop(), 0, node.log());
    assert.deepEqual(await sandboxesOf(lab.nodeId), []);
    await assert.rejects(Deno.stat(lab.codes), Deno.errors.NotFound, node.log());
  });
  await t.step("the table is up to date", async () => {
    const whole = `${introduction}${text}`;
    if (update) await Deno.writeTextFile(document, whole);
    assert.equal(whole, await Deno.readTextFile(document), "set SERVERLEDGE_UPDATE_HOSTILE=1");
  });
});

const introduction = `# Hostile functions

Functions of the runtimes \`deno\` and \`wasm\` that are hostile or faulty, and what became of them, of their neighbours and of the node.
\`SERVERLEDGE_UPDATE_HOSTILE=1 deno test -A tests/binary/hostile_test.ts\` writes this page from what it observes on a real node. Without the
variable the same test fails if this page is out of date. A neighbour is unharmed if the same instance, with its state, responds right afterwards.
`;

/** A node with a neighbour, where functions are tried. */
class Lab {
  readonly #node: NodeProcess;
  readonly #places: HostilePlaces;
  readonly nodeId: string;
  readonly codes: string;
  #neighbourCalls = 0;
  #count = 0;

  private constructor(node: NodeProcess, places: HostilePlaces, nodeId: string) {
    this.#node = node;
    this.#places = places;
    this.nodeId = nodeId;
    this.codes = places.codes;
  }

  static async open(node: NodeProcess, folder: string, data: string): Promise<Lab> {
    await Deno.chmod(folder, 0o755);
    await Deno.writeTextFile(`${folder}/script.js`, "export default 'a secret';");
    await Deno.writeTextFile(`${folder}/secret.json`, '{"a": "secret"}');
    const created = await post(`${node.url}/create`, {
      Name: "neighbour",
      Runtime: "deno",
      MemoryMB: 64,
      Handler: "main.ts",
      TarFunctionCode: await archive({ "main.ts": neighbourCode }),
    });
    assert.equal(created.status, 200, JSON.stringify(created.body));
    const first = await post(`${node.url}/invoke/neighbour`, {});
    assert.equal(first.body.Result, "1", JSON.stringify(first.body));
    const codes = await Deno.readTextFile(`${data}/run/sandbox-folder`);
    const lab = new Lab(node, {
      script: `file://${folder}/script.js`,
      json: `file://${folder}/secret.json`,
      data,
      codes,
      api: node.url,
      own: Deno.networkInterfaces().find(({ address, family }) =>
        family === "IPv4" && !address.startsWith("127.")
      )?.address ?? "127.0.0.1",
      pid: node.pid,
    }, first.body.ExecutionNode);
    lab.#neighbourCalls = 1;
    return lab;
  }

  /** Tries one function. @returns its row of the table */
  async try(one: HostileCase): Promise<string> {
    const name = `hostile-${++this.#count}`;
    const code = typeof one.code === "string"
      ? { "main.ts": `export default async (params: any, context: any) => { ${one.code} };` }
      : one.code;
    const created = await post(`${this.#node.url}/create`, {
      Name: name,
      Runtime: "deno",
      MemoryMB: 64,
      Handler: Object.keys(code)[0],
      TarFunctionCode: await archive(code),
      ...one.fields,
    });
    // Where time is short, none of it must go into the start.
    if (one.fields?.TimeoutMs) {
      await post(`${this.#node.url}/prewarm`, { Function: name, Instances: 1 });
    }
    const params = one.params ?? this.#places;
    let happened = created.status === 200
      ? await this.#invoke(name, params)
      : errorIn(created.body);
    assert.match(happened, one.expect);
    assert.doesNotMatch(happened, /^returned escaped/);
    if (one.after) await this.#settled(one.after);
    if (one.then) {
      const next = await this.#invoke(name, params);
      assert.match(next, one.then);
      happened += next === happened ? "; so does the next call" : `; the next call ${next}`;
    } else if (one.after) happened += `; the sandbox is ${one.after} afterwards`;
    const neighbours = await this.#neighbours();
    const health = await this.#health();
    if (created.status === 200) await post(`${this.#node.url}/delete`, { Name: name });
    return `| ${[one.name, happened, neighbours, health].map(cell).join(" | ")} |\n`;
  }

  async checkProcess(): Promise<void> {
    const [sandbox] = await sandboxesOf(this.nodeId);
    const pid = sandbox!.replace("sandbox-", "");
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const user = Deno.uid() === 0 ? sandboxUser : Deno.uid();
    assert.match(status, new RegExp(`^Uid:\\s+${user}\\s+${user}\\s`, "m"));
    const { mode } = await Deno.stat(this.#places.data);
    assert.equal(mode! & 0o077, 0, "other users cannot enter the node's folder");
    assert.equal((await Deno.stat(this.codes)).mode! & 0o044, 0, "nobody can list the codes");
  }

  async #invoke(name: string, params: object): Promise<string> {
    const answer = await post(`${this.#node.url}/invoke/${name}`, { Params: params });
    if (answer.status === 200) {
      const result = JSON.parse(answer.body.Result);
      // No stack overflow for whoever looks at it.
      return `returned ${typeof result === "string" ? result : answer.body.Result.slice(0, 40)}`;
    }
    return errorIn(answer.body);
  }

  async #neighbours(): Promise<string> {
    const { body } = await post(`${this.#node.url}/invoke/neighbour`, {});
    assert.equal(body.Result, String(++this.#neighbourCalls), JSON.stringify(body));
    assert.equal(body.IsWarmStart, true);
    return "unharmed";
  }

  async #health(): Promise<string> {
    const answer = await fetch(`${this.#node.url}/healthz`);
    await answer.body?.cancel();
    assert.equal(answer.status, 200);
    const status = await Deno.readTextFile(`/proc/${this.#node.pid}/status`);
    const mib = Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
    assert.ok(mib < maxNodeMib, `the node has grown to ${mib} MiB`);
    return "unharmed";
  }

  /** Waits until some sandbox is paused, or until only the neighbour's and the generic one are left. */
  async #settled(how: "paused" | "ended"): Promise<void> {
    await eventually(`a sandbox is ${how}`, async () => {
      const ids = await sandboxesOf(this.nodeId);
      if (how === "ended") return ids.length <= 2;
      const states = ids.map((id) => Deno.readTextFileSync(`/proc/${id.slice(8)}/status`));
      return states.some((status) => /^State:\s+T/m.test(status));
    });
  }
}

function errorIn(body: Record<string, unknown>): string {
  return `${body.code ?? body.Code}: ${body.message ?? body.Message}`;
}

/** What differs from run to run, and what would break the table, is replaced. */
function cell(text: string): string {
  return text.replace(/\/[\w./-]*\/serverledge-sandbox-\w+/g, "FOLDER").replace(
    /file:\/\/\/[\w./-]*serverledge[\w./-]*/g,
    "file:///...",
  )
    .replace(
      /\b(?!127\.|169\.254\.|0\.0)\d{1,3}(\.\d{1,3}){3} is this machine/g,
      "ADDRESS is this machine",
    )
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:PORT")
    .replace(/\s+/g, " ").replaceAll("|", "\\|").slice(0, 240);
}

async function archive(
  files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>,
): Promise<string> {
  const encoder = new TextEncoder();
  const packed = await packTar(
    Object.entries(files).map(([name, text]) => {
      if (name.startsWith("@") && typeof text === "string") {
        return {
          header: { name: name.slice(1), size: 0, type: "symlink" as const, linkname: text },
        };
      }
      const body = typeof text === "string" ? encoder.encode(text) : text;
      return { header: { name, size: body.length, type: "file" as const }, body };
    }),
  );
  return packed.toBase64();
}

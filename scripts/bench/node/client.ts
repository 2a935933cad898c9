/**
 * A node under measurement, and what the suites ask of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { packTar } from "../../../lib/archive/archive.ts";
import { type NodeProcess, startNodeProcess } from "../../../tests/support/node.ts";

/** Memory of one instance of every measured function, MiB. */
export const instanceMib = 128;

/** The body of every measured invocation. */
export const invokeBody = JSON.stringify({ Params: { n: 41 } });

/** What a right answer results in. */
const rightResult = { next: 42 };

/** Longest wait for instances to come or go. */
const settleTimeoutMs = 60_000;

/** The measured functions: one trivial function in each language. */
const sources = {
  python: { file: "trivial.py", handler: "trivial.handler" },
  nodejs: { file: "trivial.js", handler: "trivial" },
  deno: { file: "trivial.ts", handler: "trivial.ts" },
} as const;

/** A runtime that is measured. */
export type MeasuredRuntime = keyof typeof sources;

/** The fields of a report that the suites read; times are seconds. */
export interface MeasuredReport {
  readonly Result: string;
  readonly IsWarmStart: boolean;
  readonly StartTier: string;
  readonly ExecutionNode: string;
  readonly ResponseTime: number;
  readonly InitTime: number;
  readonly Duration: number;
}

/** A node under measurement. */
export class MeasuredNode implements AsyncDisposable {
  /** Its process. */
  readonly process: NodeProcess;
  readonly #code = new Map<MeasuredRuntime, string>();

  private constructor(process: NodeProcess) {
    this.process = process;
  }

  /**
   * Starts a node.
   *
   * @param instances how many instances it has memory for
   * @param config more configuration
   */
  static async start(
    instances: number,
    config: Record<string, unknown> = {},
  ): Promise<MeasuredNode> {
    const memory = { "container.pool.memory": instances * instanceMib };
    return new MeasuredNode(await startNodeProcess({ config: { ...memory, ...config } }));
  }

  /** Where a function is invoked. */
  invokeUrl(name: string): string {
    return `${this.process.url}/invoke/${name}`;
  }

  /** Registers the trivial function of a runtime, with more fields of a definition. */
  async create(
    name: string,
    runtime: MeasuredRuntime,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const code = this.#code.get(runtime) ?? await codeOf(runtime);
    this.#code.set(runtime, code);
    await this.#post("/create", {
      Name: name,
      Runtime: runtime,
      Handler: sources[runtime].handler,
      MemoryMB: instanceMib,
      TarFunctionCode: code,
      ...fields,
    });
  }

  /** Starts instances and makes sure that there are as many as wanted. */
  async prewarm(name: string, count: number): Promise<void> {
    const answer = await this.#post("/prewarm", { Function: name, Instances: count });
    assert.equal(answer.Prewarmed, count, `instances of ${name}`);
  }

  /** Invokes once and checks the answer. @returns its report and the time the client saw, ms */
  async invoke(name: string): Promise<{ report: MeasuredReport; ms: number }> {
    const began = performance.now();
    const answer = await fetch(this.invokeUrl(name), { method: "POST", body: invokeBody });
    const text = await answer.text();
    const ms = performance.now() - began;
    assert.equal(answer.status, 200, text);
    const report: MeasuredReport = JSON.parse(text);
    assert.deepEqual(JSON.parse(report.Result), rightResult);
    return { report, ms };
  }

  /** Deletes functions and waits until their instances are gone, so that nothing disturbs. */
  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#post("/delete", { Name: name });
    const bound = performance.now() + settleTimeoutMs;
    for (;;) {
      const status = await (await fetch(`${this.process.url}/status`)).json();
      const left: { Function: string }[] = status.Instances;
      if (!left.some(({ Function }) => names.includes(Function))) return;
      assert.ok(performance.now() < bound, `instances were not removed: ${JSON.stringify(left)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Its status, as the API tells it. */
  async status(): Promise<{ readonly GenericInstances: Readonly<Record<string, number>> }> {
    return await (await fetch(`${this.process.url}/status`)).json();
  }

  /** Resident memory of its process, MiB. */
  async rssMib(): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.process.pid}/status`);
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
  }

  /** Stops the process and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }

  async #post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await fetch(this.process.url + path, {
      method: "POST",
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, `${path}: ${text}`);
    return JSON.parse(text);
  }
}

async function codeOf(runtime: MeasuredRuntime): Promise<string> {
  const { file } = sources[runtime];
  const data = await Deno.readFile(new URL(`functions/${file}`, import.meta.url));
  return (await packTar([{ path: file, data, executable: false }])).toBase64();
}

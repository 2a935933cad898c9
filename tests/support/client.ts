/**
 * A node's HTTP API as tests call it.
 *
 * @module
 */

import { packTar } from "../../lib/archive/archive.ts";

/** An answer with its parsed body. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- answers are looked at field by field
  readonly body: any;
}

/** Longest that an answer may take, ms. */
const answerTimeoutMs = 60_000;

/**
 * Posts JSON to a node.
 *
 * @param url of the node and the route
 * @param body anything; none sends an empty body
 */
export async function post(url: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(url, {
    method: "POST",
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(answerTimeoutMs),
  });
  return await read(answer);
}

/** Gets JSON, or text where the answer is not JSON, from a node. */
export async function get(url: string): Promise<Answer> {
  return await read(await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) }));
}

async function read(answer: Response): Promise<Answer> {
  const text = await answer.text();
  const json = answer.headers.get("content-type")?.startsWith("application/json");
  return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
}

/**
 * A function's code as `/create` takes it.
 *
 * @param files contents by path
 */
export async function code(files: Record<string, string>): Promise<string> {
  const encoder = new TextEncoder();
  const entries = Object.entries(files).map(([path, text]) => ({
    path,
    data: encoder.encode(text),
    executable: false,
  }));
  return (await packTar(entries)).toBase64();
}

/**
 * A Python function `f` of one file.
 *
 * @param name of the function
 * @param source must define `f(params, context)`
 * @param fields more of its definition
 */
export async function python(name: string, source: string, fields: object = {}): Promise<object> {
  return {
    Name: name,
    Runtime: "python",
    MemoryMB: 64,
    Handler: "main.f",
    TarFunctionCode: await code({ "main.py": source }),
    ...fields,
  };
}

/**
 * A Node.js function of one file.
 *
 * @param name of the function
 * @param source must export the function
 * @param fields more of its definition
 */
export async function nodejs(name: string, source: string, fields: object = {}): Promise<object> {
  return {
    Name: name,
    Runtime: "nodejs",
    MemoryMB: 128,
    Handler: "main",
    TarFunctionCode: await code({ "main.js": source }),
    ...fields,
  };
}

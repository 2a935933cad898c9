import assert from "node:assert/strict";
import type { KnownResponse } from "../../http/server/web.ts";
import { QuotedText } from "../../json/quoted.ts";
import type { RawHttpRequest } from "../../model/raw_http.ts";
import { toHttpAnswer, toHttpEvent } from "./http_event.ts";
import { toLongHttpAnswer } from "./long_answer.ts";
import { longHttpEvent } from "./long_event.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns the parts of a response that the client receives, or its error. */
async function textOf(make: () => KnownResponse | Promise<KnownResponse>) {
  try {
    const { status, headers, body } = (await make()).outgoing;
    const bytes = typeof body === "string" ? encoder.encode(body) : body as Uint8Array | undefined;
    return { status, headers, body: bytes?.toBase64() ?? "" };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}

const many = 'é😀"\\\n'.repeat(100_000);
/** JSON texts of results, and two texts that are not JSON. */
const results: readonly string[] = [
  JSON.stringify(many),
  JSON.stringify({ many }),
  JSON.stringify(Array.from({ length: 200_000 }, () => ({}))),
  ` ${JSON.stringify(many)} `,
  ...["", "null", "12", "true", "[1]", '{"a":1}', "plain text", '{"a":'],
  ...[
    { statusCode: 201, body: many },
    { statusCode: 204 },
    { statusCode: 200, body: null },
    { statusCode: 200, body: null, isBase64Encoded: true },
    { statusCode: 200, headers: { "X-A": "é", "set-cookie": ["a=1", "b=2"] }, body: "" },
    { headers: { "content-type": [] }, body: many },
    { body: "without headers" },
    { StatusCode: 404, Body: "another case" },
    { statusCode: 200, body: encoder.encode(many).toBase64(), isBase64Encoded: true },
    { statusCode: 200, body: "not base64!", isBase64Encoded: true },
    { statusCode: 200, body: { some: [many] } },
    { statusCode: 99 },
    { statusCode: "200" },
    { statusCode: 200, headers: { "bad name": "1" } },
    { statusCode: 200, headers: { a: "two\nlines" } },
    { statusCode: 200, headers: [] },
  ].map((answer) => JSON.stringify(answer)),
  '{"statusCode":200,"body":{"large":12345678901234567890}}',
  String.raw`{"\u0073tatusCode":202,"body":"\ud83d\ude00\ud83d"}`,
  '{"statusCode":500,"statusCode":203,"body":"a","body":"b"}',
];

Deno.test("toLongHttpAnswer: gives the same response as toHttpAnswer", async () => {
  for (const result of results) {
    const long = await textOf(() =>
      toLongHttpAnswer(new QuotedText(encoder.encode(JSON.stringify(result))), () => {})
    );
    const short = await textOf(() => toHttpAnswer(result));
    assert.ok(JSON.stringify(long) === JSON.stringify(short), result.slice(0, 100));
  }
});

Deno.test("toLongHttpAnswer: rejects invalid headers", async () => {
  const result = JSON.stringify({ statusCode: 200, headers: { a: "x".repeat(1 << 18) } });
  await assert.rejects(
    toLongHttpAnswer(new QuotedText(encoder.encode(JSON.stringify(result))), () => {}),
    { code: "FUNCTION_ERROR", message: /headers: longer than/ },
  );
});

Deno.test("longHttpEvent: gives the same event as toHttpEvent", async () => {
  const bodies = ["", "a", many, "\ufeff\u0000", new Uint8Array(300_000).fill(0xff)];
  for (const body of bodies) {
    for (const type of ["text/plain", "application/json", "image/png", undefined]) {
      const httpRequest: RawHttpRequest = {
        method: "POST",
        target: "/fn/hello/a%20b?x=1&x=2",
        headers: type === undefined ? [["a", "é"]] : [["content-type", type]],
        body: typeof body === "string" ? encoder.encode(body) : body,
      };
      const long = decoder.decode(await longHttpEvent(httpRequest));
      const short = toHttpEvent(httpRequest);
      if (httpRequest.body.length > 0) assert.ok(long === JSON.stringify(short), type);
    }
  }
});

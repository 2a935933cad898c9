/**
 * A function that streams its answers, for tests of the way that they take.
 *
 * @module
 */

/**
 * Its code. An instance streams, and other requests direct it: `/wait/NAME` and
 * `/fail/NAME` do so once `/open/NAME` was asked, `/flood/SIZE` sends as much; `/seen` tells whose
 * reader has left, and how much was sent.
 */
export const streamsSource = `
  const encode = (text) => new TextEncoder().encode(text);
  const gates = new Map();
  const gate = (name) => {
    if (!gates.has(name)) gates.set(name, Promise.withResolvers());
    return gates.get(name);
  };
  const seen = { left: [], sent: 0 };
  const bodies = {
    async *wait(name) { yield encode("first,"); await gate(name).promise; yield encode("last"); },
    async *fail(name) { yield encode("first,"); await gate(name).promise; throw new Error("broke"); },
    async *flood(size) {
      await null;
      for (seen.sent = 0; seen.sent < Number(size); seen.sent += 65536) yield new Uint8Array(65536).fill(7);
    },
  };
  export default {
    async fetch(request) {
      const [, kind, name] = new URL(request.url).pathname.split("/");
      if (kind === "seen") return Response.json(seen);
      if (kind === "open") return gate(name).resolve(), new Response("opened");
      const parts = bodies[kind](name);
      return new Response(new ReadableStream({
        async pull(controller) {
          const { done, value } = await parts.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => void seen.left.push(name),
      }), { headers: { "content-type": "text/event-stream", "x-kind": kind } });
    },
  };`;

/**
 * A web-standard handler: `serverledge create web --runtime deno --src web.ts --handler web`, then
 * `curl http://127.0.0.1:1323/fn/web/sum/1/2/3`.
 */

interface Context {
  functionName: string;
}

export default {
  async fetch(request: Request, env: Record<string, string>, context: Context): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/sum/")) {
      const numbers = pathname.split("/").slice(2).map(Number);
      return Response.json({ sum: numbers.reduce((a, b) => a + b, 0) });
    }
    if (request.method === "POST") {
      const digest = await crypto.subtle.digest("SHA-256", await request.arrayBuffer());
      return new Response(new Uint8Array(digest).toHex(), {
        headers: { "content-type": "text/plain", "set-cookie": `by=${context.functionName}` },
      });
    }
    return new Response(`${env.GREETING ?? "Hello"}: try /sum/1/2/3, or POST something\n`);
  },
};

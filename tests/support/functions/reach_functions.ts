/**
 * Functions of every runtime that has a network. They try to reach services by TCP and send datagrams.
 *
 * @module
 */

import { code } from "../client.ts";
import { customImage } from "../docker.ts";

/** Services by host and port. */
export interface ReachParams {
  /** Services to connect to. */
  readonly tcp: readonly Target[];
  /** Services to which a datagram is sent. */
  readonly udp: readonly Target[];
}

/** Host and port; in Python, the host `hypervisor` is reached by AF_VSOCK. */
export type Target = readonly [host: string, port: number];

const python = await Deno.readTextFile(
  new URL("../../images/functions/reach.py", import.meta.url),
);

const nodejs = `
const net = require("node:net"), dgram = require("node:dgram");
const attempt = ([host, port]) => new Promise((resolve) => {
  const socket = net.connect({ host, port, timeout: 1000 });
  socket.on("connect", () => (socket.destroy(), resolve("connected")));
  socket.on("timeout", () => (socket.destroy(), resolve("timeout")));
  socket.on("error", (error) => resolve(error.code));
});
const send = ([host, port]) => new Promise((resolve) => {
  const socket = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => {});
  socket.bind(() => {
    socket.setBroadcast(true);
    socket.send("datagram", port, host, () => (socket.close(), resolve()));
  });
});
module.exports = async ({ tcp, udp }) => {
  await Promise.all(udp.map(send));
  return Promise.all(tcp.map(attempt));
};`;

const deno = `
const attempt = ([host, port]: [string, number]) =>
  fetch("http://" + (host.includes(":") ? "[" + host + "]" : host) + ":" + port + "/", {
    signal: AbortSignal.timeout(1000),
  }).then(() => "connected", (error) => error.message);
export default ({ tcp }: { tcp: [string, number][] }) => Promise.all(tcp.map(attempt));`;

const sources = {
  python: { Handler: "reach.reach", files: { "reach.py": python } },
  nodejs: { Handler: "main", files: { "main.js": nodejs } },
  binary: {
    Handler: "fn.sh",
    files: { "fn.sh": "exec python3 reach.py", "reach.py": python },
  },
  custom: { CustomImage: customImage, Env: { CASE: "reach" }, files: { "reach.py": python } },
  deno: { Handler: "main.ts", files: { "main.ts": deno } },
};

/** Runtime of a function that has a network. */
export type ReachRuntime = keyof typeof sources;

/**
 * Returns the definition of a function.
 *
 * @param name name of the function; its runtime by default
 */
export async function reachFunction(
  runtime: ReachRuntime,
  network: "bridge" | "none" = "bridge",
  name: string = runtime,
): Promise<object> {
  const { files, ...fields } = sources[runtime];
  return {
    Name: name,
    Runtime: runtime,
    MemoryMB: 64,
    Network: network,
    TarFunctionCode: await code(files as Record<string, string>),
    ...fields,
  };
}

/**
 * Tables of the kernel's firewall, read and changed from outside of the code under test: by Python in a
 * container on the machine's network.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concatBytes } from "../../../lib/base/bytes.ts";
import { message, number, text } from "../../../lib/runtime/docker/fence/netlink.ts";
import { pythonImage } from "../docker.ts";
import { runToEnd } from "../process.ts";

const script = `
import socket, struct, sys
kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
if len(sys.argv) > 1:
    kernel.send(bytes.fromhex(sys.argv[1]))
    error, = struct.unpack_from("=i", kernel.recv(65536), 16)
    print("done", flush=True)
    if error == 0 and sys.argv[2] == "hold": sys.stdin.read()
    sys.exit(-error)
kernel.send(struct.pack("=IHHIIBBH", 20, 0xA01, 0x301, 1, 0, 0, 0, 0))
while True:
    data, at = kernel.recv(65536), 0
    while at < len(data):
        size, kind = struct.unpack_from("=IH", data, at)
        if kind == 3: sys.exit()
        length, = struct.unpack_from("=H", data, at + 20)
        print(data[at + 24 : at + 20 + length].rstrip(b"\\0").decode())
        at += size + 3 & ~3
`;

const command = [
  ..."docker run --rm --interactive --network host --cap-drop ALL --cap-add NET_ADMIN".split(" "),
  ...["--user", "0:0", "--entrypoint", "python3", pythonImage, "-c", script],
];

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runToEnd([...command, ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Returns the names of all tables. */
export async function firewallTables(): Promise<string[]> {
  return (await run()).split("\n").filter(Boolean);
}

/** Sends a batch of messages, as another program that changes the firewall. */
export async function changeFirewall(batch: Uint8Array): Promise<void> {
  await run(batch.toHex(), "end");
}

/**
 * Creates a table that no other program may change until the returned object is disposed.
 *
 * @param name name of the table, of the family inet
 */
export async function ownTable(name: string): Promise<AsyncDisposable> {
  const isOwned = number(2, 2);
  const create = message(0xa00, 0x404, Uint8Array.of(1, 0, 0, 0), text(1, name), isOwned);
  const [begin, end] = [0x10, 0x11].map((type) => message(type, 0, Uint8Array.of(0, 0, 0, 10)));
  const batch = concatBytes([begin!, create, end!]);
  const child = new Deno.Command(command[0]!, {
    args: [...command.slice(1), batch.toHex(), "hold"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  return {
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await output.cancel();
      assert.equal((await child.status).code, 0);
    },
  };
}

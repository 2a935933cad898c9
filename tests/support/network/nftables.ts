/**
 * Tables of the kernel's firewall, read and changed from outside of the code under test: by Python in a
 * container on the machine's network.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concatBytes } from "../../../lib/base/bytes.ts";
import {
  attribute,
  message,
  nested,
  number,
  text,
} from "../../../lib/runtime/docker/fence/netlink.ts";
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
  const batch = batchOf(create);
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

/**
 * Makes this machine translate a destination, as Kubernetes does for the addresses of services.
 *
 * @param from IPv4 address that is sent to
 * @param to IPv4 address that receives it
 */
export async function translateAddress(from: string, to: string): Promise<AsyncDisposable> {
  const name = text(1, `test-${crypto.randomUUID()}`);
  const chain = "translate";
  const [fromBytes, toBytes] = [from, to].map((one) => Uint8Array.from(one.split("."), Number));
  const expressions = [
    expression("payload", number(1, 1), number(2, 1), number(3, 16), number(4, 4)),
    expression("cmp", number(1, 1), number(2, 0), nested(3, attribute(1, fromBytes!))),
    expression("immediate", number(1, 1), nested(2, attribute(1, toBytes!))),
    expression("nat", number(1, 1), number(2, 2), number(3, 1)),
  ];
  const beforeRouting = nested(4, number(1, 0), number(2, -100));
  await changeFirewall(batchOf(
    request(0xa00, name),
    request(0xa03, name, text(3, chain), beforeRouting, text(7, "nat")),
    request(0xa06, name, text(2, chain), nested(4, ...expressions)),
  ));
  return {
    [Symbol.asyncDispose]: () => changeFirewall(batchOf(request(0xa02, name))),
  };
}

function expression(name: string, ...attributes: readonly Uint8Array[]) {
  return nested(1, concatBytes([text(1, name), nested(2, ...attributes as never[])]));
}

/** Creates a request for tables of IPv4 that is acknowledged. */
function request(type: number, ...attributes: readonly Uint8Array[]) {
  return message(type, 0xc04, Uint8Array.of(2, 0, 0, 0), ...attributes as never[]);
}

function batchOf(...requests: readonly Uint8Array[]) {
  const [begin, end] = [0x10, 0x11].map((type) => message(type, 0, Uint8Array.of(0, 0, 0, 10)));
  return concatBytes([begin!, ...requests, end!]);
}

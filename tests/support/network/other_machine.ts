/**
 * Another machine: a network namespace with addresses of its own, behind a pair of virtual interfaces.
 * Needs iproute2, and root or sudo.
 *
 * @module
 */

import assert from "node:assert/strict";
import { randomId } from "../../../lib/base/ids.ts";
import { eventually } from "../eventually.ts";
import { runToEnd } from "../process.ts";

/** A machine that serves one port at each of its addresses. */
export interface OtherMachine extends AsyncDisposable {
  /** Address for documentation (RFC 5737). */
  readonly address: string;
  /** Link-local address, as clouds have for the metadata of a machine. */
  readonly linkLocal: string;
  readonly port: number;
}

const command = [...(Deno.uid() === 0 ? [] : ["sudo"]), "ip"];
const server = `Deno.serve({ hostname: "0.0.0.0", port: 80, onListen() {} }, () => new Response())`;

/** Starts another machine and waits until this one reaches it. */
export async function otherMachine(): Promise<OtherMachine> {
  await using stack = new AsyncDisposableStack();
  const id = randomId(6);
  const random = crypto.getRandomValues(new Uint8Array(3));
  const base = random[0]! & 0xfc;
  const own = `198.51.100.${base + 1}`;
  const address = `198.51.100.${base + 2}`;
  const linkLocal = `169.254.${random[1]! % 200 + 1}.${random[2]}`;
  const [name, here, there] = [`slt-${id}`, `slth${id}`, `sltt${id}`];
  await ip(`netns add ${name}`);
  stack.defer(() => ip(`netns delete ${name}`));
  await ip(`link add ${here} type veth peer name ${there} netns ${name}`);
  // The namespace would take it along, but later.
  stack.defer(() => ip(`link delete ${here}`));
  await ip(`address add ${own}/30 dev ${here}`);
  await ip(`link set ${here} up`);
  for (const one of [`${address}/30`, `${linkLocal}/32`]) {
    await ip(`-n ${name} address add ${one} dev ${there}`);
  }
  await ip(`-n ${name} link set ${there} up`);
  await ip(`-n ${name} route add default via ${own}`);
  await ip(`route add ${linkLocal}/32 dev ${here}`);
  const child = new Deno.Command(command[0]!, {
    args: [
      ...command.slice(1),
      "netns",
      "exec",
      name,
      Deno.execPath(),
      "eval",
      "--no-config",
      server,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  stack.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  for (const hostname of [address, linkLocal]) {
    await eventually(`${hostname} is reached`, async () => {
      try {
        (await Deno.connect({ hostname, port: 80 })).close();
        return true;
      } catch {
        return false;
      }
    });
  }
  const owned = stack.move();
  return { address, linkLocal, port: 80, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function ip(what: string): Promise<void> {
  const { code, stderr } = await runToEnd([...command, ...what.split(" ")]);
  assert.equal(code, 0, `ip ${what}: ${stderr}`);
}

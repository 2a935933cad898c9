/**
 * Checks whether the node's ports are free, or taken by the node itself.
 *
 * @module
 */

import { isObject, tryParseJson } from "../../../json/json.ts";
import { isFolderInUse } from "../../../cluster/home.ts";
import { hostPort } from "../../../http/host_port.ts";
import type { Config } from "../../../config/config.ts";
import type { SettingKey } from "../../../config/settings.ts";
import { unitState } from "../../service/machine.ts";
import { type Check, type Finding, fine, problem } from "../check.ts";

/** Longest time until a server at the port answers, ms. */
const answerTimeoutMs = 3000;

/** The ports of the API, and that of status datagrams if there are other nodes. */
export const ports: Check = {
  name: "ports",
  async run(subject) {
    const { config } = subject;
    const runs = isFolderInUse(subject.dataDirectory) || (await unitState())?.active === "active";
    const findings = [await apiPort(config, "api.port", config["api.port"], runs)];
    const tls = config["api.tls.port"];
    if (tls !== "") findings.push(await apiPort(config, "api.tls.port", tls, runs));
    if (config["etcd.address"] !== "") findings.push(datagramPort(config, runs));
    return findings;
  },
};

/** @param runs whether this machine's node runs */
async function apiPort(
  config: Config,
  key: SettingKey,
  port: number,
  runs: boolean,
): Promise<Finding> {
  const hostname = config["api.listen"];
  const address = hostPort(hostname, port);
  const failure = tryListening(() => Deno.listen({ hostname, port }));
  if (!failure) return fine(`Port ${address} is free`);
  if (!(failure instanceof Deno.errors.AddrInUse)) return unusable(address, failure);
  if (await isNode(hostname, port)) return fine(`A node responds at ${address}`);
  if (runs) return fine(`Port ${address} is in use, probably by this machine's node, which runs`);
  return problem(
    "error",
    `Another program listens on ${address}`,
    `Stop it (ss -ltnp 'sport = :${port}' shows it), or set ${key} to another port`,
  );
}

function datagramPort(config: Config, runs: boolean): Finding {
  const port = config["registry.udp.port"];
  const hostname = config["api.listen"];
  const address = `UDP port ${port}`;
  const failure = tryListening(() => Deno.listenDatagram({ transport: "udp", hostname, port }));
  if (!failure) return fine(`${address} is free`);
  if (!(failure instanceof Deno.errors.AddrInUse)) return unusable(address, failure);
  if (runs) return fine(`${address} is in use, probably by this machine's node, which runs`);
  if (!config.chosen.has("registry.udp.port")) {
    return fine(`${address} is in use: the node would use a free port`);
  }
  return problem(
    "error",
    `Another program uses ${address}`,
    `Stop it (ss -lunp 'sport = :${port}' shows it), or set registry.udp.port to another port`,
  );
}

function unusable(address: string, failure: Error): Finding {
  if (failure instanceof Deno.errors.PermissionDenied) {
    return problem(
      "error",
      `This user may not listen on ${address}: ports below 1024 are privileged`,
      "Set api.port to 1024 or more, or give the service CAP_NET_BIND_SERVICE",
    );
  }
  return problem(
    "error",
    `Cannot listen on ${address}: ${failure.message}`,
    "Set api.listen to an address of this machine, or to 0.0.0.0",
  );
}

/** Listens for a moment. Returns why that failed. */
function tryListening(listen: () => { close(): void }): Error | undefined {
  try {
    listen().close();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

async function isNode(listen: string, port: number): Promise<boolean> {
  const host = listen === "0.0.0.0" ? "127.0.0.1" : listen === "::" ? "::1" : listen;
  try {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const response = await fetch(`http://${hostPort(host, port)}/healthz`, { signal });
    const answer = tryParseJson(await response.text());
    return isObject(answer) && "Problems" in answer;
  } catch {
    return false;
  }
}

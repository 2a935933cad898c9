/**
 * The reference of limits: settings that bound something, and bounds that are fixed in the code.
 *
 * @module
 */

import { archiveLimits } from "../../lib/archive/entries.ts";
import { instanceDescriptors, reserveShare } from "../../lib/base/descriptors.ts";
import { type SettingKey, settings } from "../../lib/config/settings.ts";
import { maxHeadBytes } from "../../lib/http/input.ts";
import { defaultLimits as server } from "../../lib/http/server/limits.ts";
import { maxHeaders, maxTargetLength } from "../../lib/http/server/request_head.ts";
import { maxCallers } from "../../lib/model/hop.ts";
import { maxCallees } from "../../lib/runtime/wire/callees.ts";
import { maxEnv, maxInvokes, maxMemoryMib, maxTimeoutMs } from "../../lib/model/function.ts";
import { maxSecretsOfFunction } from "../../lib/model/secret_reference.ts";
import { maxSecretBytes, maxSecrets, maxTotalBytes } from "../../lib/secrets/secret_service.ts";
import { maxFollowers } from "../../lib/node/services.ts";
import { maxCodeBytes } from "../../lib/node/storage.ts";
import { maxSize, maxWaiting } from "../../lib/registry/local/result_journal.ts";
import { maxFetchBytes, maxFetches } from "../../lib/runtime/sandbox/fetch_messages.ts";
import { timeoutMs as fetchMs } from "../../lib/runtime/sandbox/fetch_broker.ts";
import { maxArgument } from "../../lib/runtime/sandbox/guest/wasm/module.ts";
import { maxCallOutput } from "../../lib/runtime/wire/call_output.ts";
import { maxFrameBytes } from "../../lib/runtime/wire/frames.ts";
import {
  maxFunctionChars,
  maxLineLength,
  maxLines,
  maxTotalChars,
} from "../../lib/telemetry/output_log.ts";
import { code, stack, table } from "./markdown.ts";

/** What is bounded, by how much, and the key that changes it. */
type Row = readonly [what: string, limit: string, key: string];

/** The page. */
export function limitsPage(): string {
  return stack(
    "# Limits",
    "Defaults, and [the keys](configuration.md) that change them; `serverledge config` shows what holds on a node. A limit without a key is fixed.",
    "## Requests and clients",
    limits(
      set("body of a request", "api.body.max", "MiB"),
      set(
        "request that creates or updates a function, and code downloaded from a URL",
        "code.max",
        "MiB",
      ),
      fixed("parameters or HTTP event of one invocation, as JSON", bytes(maxFrameBytes)),
      set(
        "result of a function, as quoted JSON; a streamed body has no limit",
        "api.result.max",
        "MiB",
      ),
      [
        "memory for bodies, uploaded code and long results",
        "an eighth of `container.pool.memory`, at least four times `api.body.max` and `code.max`",
        code("api.bodies.memory"),
      ],
      [
        "connections",
        `the descriptors of the process, less a reserve of ${share(reserveShare)}`,
        code("api.connections.max"),
      ],
      [
        "connections from one client address (for IPv6, from one /64 network)",
        "half of all",
        code("api.connections.client"),
      ],
      set("time for which an idle connection is kept", "api.idle.timeout", "s"),
      fixed("time in which the head of a request must arrive", seconds(server.headMs)),
      fixed("pause while the body of a request arrives", seconds(server.bodyMs)),
      fixed("time for which a client may stop reading its response", seconds(server.sendMs)),
      fixed("URL of a request", bytes(maxTargetLength)),
      fixed("headers of a request", `${count(maxHeaders)}, ${bytes(maxHeadBytes)} in all`),
      fixed("clients that follow function output on a node", count(maxFollowers)),
    ),
    "## Functions",
    limits(
      fixed("memory of an instance (`MemoryMB`)", bytes(maxMemoryMib * mib)),
      fixed("execution timeout of a function (`TimeoutMs`)", seconds(maxTimeoutMs)),
      fixed("environment variables", count(maxEnv)),
      fixed("functions that a function may invoke, as names or patterns", count(maxInvokes)),
      fixed("secrets of a function", count(maxSecretsOfFunction)),
      fixed("size of a secret", bytes(maxSecretBytes)),
      fixed("all secrets", `${count(maxSecrets)}, ${bytes(maxTotalBytes)}`),
      fixed(
        "files and folders in an archive",
        `${count(archiveLimits.maxEntries)}, ${bytes(archiveLimits.maxBytes)} unpacked`,
      ),
      fixed(
        "unpacked code that a node keeps; the least recently used is removed first",
        bytes(maxCodeBytes),
      ),
    ),
    "## Invocations",
    limits(
      set("execution of a function without `TimeoutMs`", "invocation.timeout", "s"),
      set("requests that wait for resources", "scheduler.queue.capacity"),
      set("times that a request is offloaded from node to node", "scheduler.hops"),
      fixed("functions that one invocation may wait for at once", count(maxCallees)),
      fixed("functions that wait for each other", count(maxCallers)),
      set(
        "time for which the result of an asynchronous invocation is kept",
        "async.results.expiration",
        "s",
      ),
      fixed("output of one invocation in its report", chars(maxCallOutput)),
      fixed(
        "output of a function that `logs` keeps",
        `${count(maxLines)} lines of ${chars(maxLineLength)}, ${
          chars(maxFunctionChars)
        } in all; of all functions ${chars(maxTotalChars)}`,
      ),
      fixed(
        "asynchronous invocations that a node keeps while etcd is unavailable",
        `${count(maxWaiting)}, and ${bytes(maxSize)} of their results`,
      ),
    ),
    "## Instances",
    limits(
      set("memory for all instances", "container.pool.memory", "MiB"),
      [
        "instances, generic ones included",
        `that reserve of descriptors, ${instanceDescriptors} for each`,
        "`ulimit -n`",
      ],
      set("instances that start at the same time", "container.starts"),
      set("time for which an idle instance is kept", "container.expiration", "s"),
      set("processes and threads of a container", "container.pids"),
      set("`/tmp` of a container, part of its memory", "container.tmp", "MiB"),
      set("data that a custom image writes to its own files and volumes", "container.disk", "MiB"),
      fixed("memory of a WebAssembly module", "the function's `MemoryMB`"),
      fixed("first argument of a WebAssembly command", `${count(maxArgument)} bytes`),
      fixed(
        "requests by `fetch` of a sandbox",
        `${count(maxFetches)} at a time, each with a body of ${
          bytes(maxFetchBytes)
        } either way, for ${seconds(fetchMs)}`,
      ),
    ),
  );
}

const mib = 1 << 20;

function limits(...rows: readonly Row[]): string {
  return table(["what", "limit", "key"], rows);
}

function set(what: string, key: SettingKey, unit = ""): Row {
  return [what, `${count(Number(settings[key].value))} ${unit}`.trim(), code(key)];
}

function fixed(what: string, limit: string): Row {
  return [what, limit, ""];
}

function bytes(value: number): string {
  const unit = (["TiB", "GiB", "MiB", "KiB"] as const).find((_, at) => value >= 1024 ** (4 - at))!;
  const size = { KiB: 1024, MiB: mib, GiB: mib * 1024, TiB: mib * mib }[unit];
  return `${count(value / size)} ${unit}`;
}

function chars(value: number): string {
  return `${count(value)} characters`;
}

function seconds(ms: number): string {
  return `${count(ms / 1000)} s`;
}

function share(of: number): string {
  return `${count(of * 100)} %`;
}

function count(value: number): string {
  return value.toLocaleString("en");
}

/**
 * Conversion of the options of `bench` to a scenario.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { checkMix } from "../load/prepare.ts";
import { readScenario, type Scenario, type ScenarioRequest } from "../load/scenario.ts";
import type { BenchOptions } from "../commands/bench_options.ts";
import { parseConfigText } from "../../cli/config/text.ts";
import { readParams, readParamsFile } from "../../cli/options/params.ts";
import { readTextFile } from "../../cli/options/text_file.ts";

/**
 * Combines options with the files that they name. Options override the scenario file; functions and URLs
 * are added to it.
 *
 * @param options options of the command line
 * @throws `INVALID_REQUEST` if they do not make a scenario
 */
export async function scenarioOf(options: BenchOptions): Promise<Scenario> {
  const { scenario: file } = options;
  const fromFile = file === undefined
    ? {}
    : readScenario(await parseConfigText(await readTextFile(file, "scenario"), file));
  checkMix(fromFile.mix ?? []);
  refuseUnused(options);
  const requests = await requestsOf(options);
  // Absent options must not override the file.
  const given = Object.entries(timesOf(options)).filter(([, value]) => value !== undefined);
  const all = { ...fromFile, ...Object.fromEntries(given) };
  return readScenario({ ...all, mix: [...fromFile.mix ?? [], ...requests] });
}

function timesOf(options: BenchOptions): Scenario {
  const burst = Object.entries({
    factor: options.burstFactor,
    length: options.burstLength,
    pause: options.burstPause,
  }).filter(([, value]) => value !== undefined);
  return {
    arrivals: options.arrivals,
    rate: options.rate,
    burst: burst.length > 0 ? Object.fromEntries(burst) : undefined,
    trace: options.trace,
    clients: options.clients,
    think: options.think,
    duration: options.duration,
    warmup: options.warmup,
    requests: options.requests,
    connections: options.connections,
    timeout: options.timeout,
    seed: options.seed,
  };
}

async function requestsOf(options: BenchOptions): Promise<ScenarioRequest[]> {
  const { url, expect, respTime } = options;
  const shared = {
    ...(expect !== undefined && { expect }),
    ...(respTime !== undefined && { limit: respTime }),
    ...(options.headers.length > 0 && { headers: readHeaders(options.headers) }),
  };
  const functions = await functionsOf(options, shared);
  if (url === undefined) return functions;
  const body = options.body ??
    (options.bodyFile === undefined ? undefined : await readTextFile(options.bodyFile, "body"));
  const request = {
    url,
    ...shared,
    ...(options.method !== undefined && { method: options.method.toUpperCase() }),
    ...(body !== undefined && { body }),
  };
  return [...functions, request];
}

async function functionsOf(
  options: BenchOptions,
  shared: ScenarioRequest,
): Promise<ScenarioRequest[]> {
  const { paramsFile } = options;
  const base = paramsFile === undefined
    ? {}
    : readParamsFile(await readTextFile(paramsFile, "parameter file"), paramsFile);
  const params = { ...base, ...readParams(options.params) };
  return options.mix.map((text) => {
    const named = readMixEntry(text);
    return {
      ...shared,
      params,
      ...(options.qosClass !== undefined && { class: options.qosClass }),
      ...(options.noOffload && { offload: false }),
      ...named,
    };
  });
}

/**
 * Reads `FUNCTION[@CLASS][=WEIGHT]`.
 *
 * @throws `INVALID_REQUEST` if the text has another form
 */
export function readMixEntry(text: string): ScenarioRequest {
  const [, fn, qosClass, weight] = /^([^@=]+)(?:@([^@=]+))?(?:=(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  if (fn === undefined) {
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `Cannot read the load "${text}": use FUNCTION, FUNCTION@CLASS or FUNCTION@CLASS=WEIGHT`,
    );
  }
  return {
    function: fn,
    ...(qosClass !== undefined && { class: qosClass }),
    ...(weight !== undefined && { weight: Number(weight) }),
  };
}

function readHeaders(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(items.map((item) => {
    const colon = item.indexOf(":");
    if (colon > 0) return [item.slice(0, colon).trim(), item.slice(colon + 1).trim()];
    throw new ServerledgeError(
      "INVALID_REQUEST",
      `Cannot read the header "${item}": use NAME:VALUE`,
    );
  }));
}

/** Rejects options without an effect. */
function refuseUnused(options: BenchOptions): void {
  const refuse = (why: string, given: Readonly<Record<string, unknown>>) => {
    const name = Object.keys(given).find((key) => given[key] !== undefined);
    if (name !== undefined) throw new ServerledgeError("INVALID_REQUEST", `${name} is ${why}`);
  };
  const some = (list: readonly string[]) => list.length > 0 ? list : undefined;
  const { url, mix } = options;
  if (url === undefined) {
    refuse("for --url, which is not given", {
      "--method": options.method,
      "--body": options.body,
      "--body-file": options.bodyFile,
    });
  }
  if (mix.length > 0) return;
  refuse("for functions of the command line, which names none", {
    "--param": some(options.params),
    "--params_file": options.paramsFile,
    "--class": options.qosClass,
    "--no-offload": options.noOffload,
  });
  if (url !== undefined) return;
  refuse("for functions or a --url of the command line, which names none", {
    "--resptime": options.respTime,
    "--expect": options.expect,
    "--header": some(options.headers),
  });
}

/**
 * Implementation of `serverledge bench`: options, plan, run with progress, reports.
 *
 * @module
 */

import { formatCsv } from "../load/report/csv.ts";
import { formatHtml } from "../load/report/html.ts";
import { unexpectedOutcome } from "../load/response_validator.ts";
import { prepare } from "../load/prepare.ts";
import type { LoadResult } from "../load/report/result.ts";
import { runLoad } from "../load/run.ts";
import { readTrace } from "../load/trace.ts";
import { commit, version } from "../../base/version.ts";
import { scenarioOf } from "./options.ts";
import { showProgress } from "./progress.ts";
import { checkTarget } from "./target.ts";
import { readableResult } from "./view.ts";
import type { BenchOptions } from "../commands/bench_options.ts";
import { authority, type Endpoint, urlOf } from "../../cli/client/endpoint.ts";
import { exits } from "../../cli/exits.ts";
import type { Globals } from "../../cli/options/options.ts";
import { checkOutputFile, writeOutputFile } from "../output_files.ts";
import { endpointOf } from "../../cli/client/session.ts";
import { trustOf } from "../../cli/client/tls.ts";
import { readTextFile } from "../../cli/options/text_file.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { warn } from "../../cli/view/warn.ts";

/**
 * Runs a load test and writes its reports.
 *
 * @param options options of the command
 * @param globals global options
 * @param terminal standard streams
 * @returns the exit status
 * @throws `INVALID_REQUEST` if the options make no load; see {@link checkTarget} for the target
 */
export async function runBench(
  options: BenchOptions,
  globals: Globals,
  terminal: Terminal,
): Promise<number> {
  const scenario = await scenarioOf(options);
  const node: Endpoint = await endpointOf(globals, terminal);
  const trace = scenario.trace === undefined
    ? undefined
    : readTrace(await readTextFile(scenario.trace, "trace"), scenario.trace);
  const isPlain = options.plain === true;
  const trust = trustOf(node, globals, terminal);
  const prepared = prepare(scenario, { node: urlOf(node), key: node.key, isPlain, trace, trust });
  const reports = reportsOf(options);
  for (const [path] of reports) await checkOutputFile(path);
  if (!isPlain) await checkTargets(node, prepared.plan.kinds, globals, terminal);
  using stop = stopSignal();
  const result = await runLoad(prepared, {
    signal: stop.signal,
    by: describeSelf(),
    watch: (recorder) => showProgress(terminal, recorder, prepared.plan),
  });
  for (const [path, format] of reports) await writeOutputFile(path, format(result));
  const toStdout = options.jsonFile === "-" || (globals.json && options.jsonFile === undefined);
  const text = toStdout ? JSON.stringify(result, null, 2) : readableResult(result, terminal.out);
  terminal.out.write(`${text}\n`);
  for (const warning of limitWarnings(result)) warn(terminal, warning);
  return exitStatusOf(result);
}

/** Checks each node that functions are invoked on. */
async function checkTargets(
  node: Endpoint,
  kinds: Parameters<typeof checkTarget>[1],
  globals: Globals,
  terminal: Terminal,
): Promise<void> {
  const invoked = kinds.filter(({ isInvocation }) => isInvocation);
  const byNode = Map.groupBy(
    invoked,
    ({ origin }) => authority({ ...origin, host: origin.hostname }),
  );
  for (const ofNode of byNode.values()) {
    const { hostname, port, isSecure } = ofNode[0]!.origin;
    const address = { host: hostname, port, isSecure };
    const isNamed = urlOf(address) === urlOf(node);
    await checkTarget(isNamed ? node : address, ofNode, globals, terminal);
  }
}

function limitWarnings({ generator: { limits } }: LoadResult): string[] {
  if (limits.length === 0) return [];
  return [`the load generator, not the target, may have been the limit: ${limits.join("; ")}`];
}

function exitStatusOf({ total }: LoadResult): number {
  if ((total.outcomes[unexpectedOutcome] ?? 0) > 0) return exits.functionFailed;
  return total.ok === 0 ? exits.request : exits.ok;
}

function describeSelf(): Record<string, string> {
  return {
    program: `serverledge ${version} (${commit}), Deno ${Deno.version.deno}`,
    machine: `${navigator.hardwareConcurrency} cores, ${Deno.build.arch}, ` +
      `${Deno.build.os} ${Deno.osRelease()}`,
  };
}

/** Returns the report files requested, with their formatters. */
function reportsOf(
  { jsonFile, csv, html }: BenchOptions,
): [path: string, format: (result: LoadResult) => string][] {
  const formats: [path: string | undefined, format: (result: LoadResult) => string][] = [
    [jsonFile === "-" ? undefined : jsonFile, (result) => JSON.stringify(result, null, 2) + "\n"],
    [csv, formatCsv],
    [html, formatHtml],
  ];
  return formats.flatMap(([path, format]) => path === undefined ? [] : [[path, format]]);
}

/** Stops the run at the first signal so that its results are shown, and exits at the second. */
function stopSignal(): Disposable & { readonly signal: AbortSignal } {
  const abort = new AbortController();
  const onSignal = () => {
    if (abort.signal.aborted) Deno.exit(exits.interrupted);
    abort.abort();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return {
    signal: abort.signal,
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    },
  };
}

/**
 * What a node knows of a function, as people read it.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import type { SignatureEntry } from "../options/signature.ts";
import { printable, styled } from "./style.ts";
import { formatDuration, formatFields } from "./table.ts";
import type { Output } from "../terminal.ts";

/** Digits of a version or a hash that tell it from others. */
const shownDigits = 12;

/**
 * A function for people, one property a line. Of environment variables only the names are told: their
 * values may be secrets, and a screen has onlookers.
 *
 * @param fn what the node knows of it
 * @param output where it will be written
 */
export function readableFunction(fn: FunctionRecord, output: Pick<Output, "colour">): string {
  const { Inputs = [], Outputs = [] } = fn.Signature ?? {};
  const properties: [label: string, value: string][] = [
    ["runtime", `${fn.Runtime}${fn.Stateful ? ", keeps its memory between calls" : ""}`],
    ["handler", fn.Handler],
    ["http", fn.Http === undefined || fn.Http === "event" ? "" : `${fn.Http}, by /fn`],
    ["image", fn.CustomImage],
    ["signature", Inputs.length + Outputs.length > 0 ? signature(Inputs, Outputs) : ""],
    ["memory", `${fn.MemoryMB} MiB`],
    ["cpu", fn.CPUDemand === 0 ? "no limit" : `${fn.CPUDemand} cores`],
    ["concurrency", `${fn.MaxConcurrency} in each instance`],
    ["kept warm", `${fn.MinInstances} on each node`],
    ["timeout", fn.TimeoutMs === 0 ? "the node's default" : formatDuration(fn.TimeoutMs / 1000)],
    ["network", fn.Network],
    ["locality", typeof fn.Locality === "string" ? fn.Locality : fn.Locality.join(", ")],
    ["environment", Object.keys(fn.Env).sort().join(", ")],
    ["architectures", fn.SupportedArchs.join(", ")],
    ["code", fn.CodeHash.slice(0, shownDigits)],
    ["version", fn.Version.slice(0, shownDigits)],
  ];
  return formatFields([
    ["function", styled(output, "bold", fn.Name)],
    ...properties.filter(([, value]) => value !== "")
      .map(([label, value]) => [label, printable(value)] as const),
  ]);
}

/** Each side as `-i` and `-o` of `create` take it. */
function signature(
  inputs: readonly SignatureEntry[],
  outputs: readonly SignatureEntry[],
): string {
  const side = (entries: readonly SignatureEntry[]) =>
    entries.map(({ Name, Type }) => `${Name}:${Type}`).join(",");
  return `${side(inputs) || "nothing"} to ${side(outputs) || "nothing"}`;
}

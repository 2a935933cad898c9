/**
 * Formats the record of a function for people.
 *
 * @module
 */

import type { FunctionRecord } from "../../model/function.ts";
import { printable, styled } from "./style.ts";
import { formatDuration, formatFields } from "./table.ts";
import type { Output } from "../terminal.ts";

type Signature = NonNullable<FunctionRecord["signature"]>;

/** Number of digits that are shown of a version or a hash. */
const shownDigits = 12;

/**
 * Formats a function, one property per line. Environment variables are shown without their values,
 * which may be secrets that others could read on the screen.
 *
 * @param fn record of the function
 * @param output where it will be written
 */
export function readableFunction(fn: FunctionRecord, output: Pick<Output, "colour">): string {
  const { inputs = [], outputs = [] }: Partial<Signature> = fn.signature ?? {};
  const properties: [label: string, value: string][] = [
    ["runtime", `${fn.runtime}${fn.stateful ? ", keeps its memory between invocations" : ""}`],
    ["handler", fn.handler],
    ["http", fn.http === undefined || fn.http === "event" ? "" : `${fn.http}, by /fn`],
    ["image", fn.customImage],
    ["signature", inputs.length + outputs.length > 0 ? signature(inputs, outputs) : ""],
    ["memory", `${fn.memoryMib} MiB`],
    ["cpu", fn.cpu === 0 ? "no limit" : `${fn.cpu} cores`],
    ["concurrency", `${fn.maxConcurrency} per instance`],
    ["kept warm", `${fn.minInstances} on each node`],
    ["timeout", fn.timeoutMs === 0 ? "the node's default" : formatDuration(fn.timeoutMs / 1000)],
    ["network", fn.network],
    ["locality", typeof fn.locality === "string" ? fn.locality : fn.locality.join(", ")],
    ["invokes", fn.invokes.join(", ")],
    ["secrets", fn.secrets.join(", ")],
    ["environment", Object.keys(fn.env).sort().join(", ")],
    ["architectures", fn.architectures.join(", ")],
    ["code", fn.codeHash.slice(0, shownDigits)],
    ["version", fn.version.slice(0, shownDigits)],
  ];
  return formatFields([
    ["function", styled(output, "bold", fn.name)],
    ...properties.filter(([, value]) => value !== "")
      .map(([label, value]) => [label, printable(value)] as const),
  ]);
}

/** Formats a signature; each side has the syntax of `-i` and `-o` of `create`. */
function signature(inputs: Signature["inputs"], outputs: Signature["outputs"]): string {
  const side = (parameters: Signature["inputs"]) =>
    parameters.map(({ name, type }) => `${name}:${type}`).join(",");
  return `${side(inputs) || "nothing"} to ${side(outputs) || "nothing"}`;
}

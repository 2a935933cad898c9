/**
 * Open-loop load: requests are sent when their time has come, whether or not others were answered,
 * as many independent users do.
 *
 * @module
 */

import { seededRandom } from "../../lib/base/random.ts";
import { classes, functionName, type LoadClass } from "./continuum.ts";

/** What became of a request, in the order in which it is shown. */
export const outcomes = ["local", "neighbour", "cloud", "late", "refused", "failed"] as const;
/** What became of a request. */
export type Outcome = typeof outcomes[number];

/** Longest that a client waits for an answer, ms. */
const patienceMs = 20_000;

/** A request that has ended. */
export interface Shot {
  /** When it was due, s after the start. */
  readonly at: number;
  readonly className: string;
  readonly outcome: Outcome;
  /** From when it was due to the answer, ms. */
  readonly ms: number;
  /** True if it was answered with a result, in time or not. */
  readonly answered: boolean;
  /** Code and message of the error that it was answered with, if that was one. */
  readonly problem?: string;
}

/** What is sent where, and when. */
export interface LoadPlan {
  /** URLs of the nodes that clients use, each with its share of the requests. */
  readonly entries: readonly {
    readonly url: string;
    readonly id: string;
    readonly share: number;
  }[];
  /** How long, s. */
  readonly seconds: number;
  /** Requests per second, as long after the start, s. */
  readonly rate: (at: number) => number;
}

/** What is read of an answer. */
interface Answer {
  readonly ExecutionNode?: string;
  readonly ExecutionArea?: string;
  readonly code?: string;
  readonly message?: string;
}

/** A request to come. */
interface Due {
  readonly at: number;
  readonly loadClass: LoadClass;
  readonly entry: LoadPlan["entries"][number];
}

/**
 * A rate that rises to its peak in the middle and falls again.
 *
 * @param peak requests per second
 * @param seconds from the beginning to the end
 */
export function hill(peak: number, seconds: number): (at: number) => number {
  return (at) => peak * (0.1 + 0.9 * Math.sin(Math.PI * at / seconds) ** 2);
}

/** The entries that the example uses: one node gets more than the other, so that it needs it. */
export function entriesOf(
  nodes: readonly { readonly url: string; readonly id: string }[],
): LoadPlan["entries"] {
  return nodes.map(({ url, id }, at) => ({ url, id, share: at === 0 ? 0.6 : 0.4 }));
}

/**
 * Sends load until the plan has ended and all is answered.
 *
 * @param plan what to send
 * @param ended told of each request that has ended
 * @param signal ends it at once
 */
export async function sendLoad(
  plan: LoadPlan,
  ended: (shot: Shot) => void,
  signal?: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const underWay = new Set<Promise<void>>();
  for (const due of arrivals(plan)) {
    const waitMs = began + due.at * 1000 - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (signal?.aborted) break;
    const request = send(due, began, signal).then(ended).finally(() => underWay.delete(request));
    underWay.add(request);
  }
  await Promise.all(underWay);
  signal?.throwIfAborted();
}

/** A Poisson process; the same one for all policies, so that they can be compared. */
function* arrivals({ entries, seconds, rate }: LoadPlan): Generator<Due> {
  const random = seededRandom(1);
  const pick = <T extends { readonly share: number }>(from: readonly T[]): T => {
    let left = random();
    return from.find(({ share }) => (left -= share) < 0) ?? from.at(-1)!;
  };
  for (let at = 0;;) {
    at -= Math.log(1 - random()) / rate(at);
    if (at >= seconds) return;
    yield { at, loadClass: pick(classes), entry: pick(entries) };
  }
}

async function send(
  { at, loadClass, entry }: Due,
  began: number,
  stop?: AbortSignal,
): Promise<Shot> {
  const patience = AbortSignal.timeout(patienceMs);
  let status = 0;
  let report: Answer = {};
  try {
    const answer = await fetch(`${entry.url}/invoke/${functionName}`, {
      method: "POST",
      body: JSON.stringify({ QoSClass: loadClass.id, CanDoOffloading: true }),
      signal: stop ? AbortSignal.any([patience, stop]) : patience,
    });
    status = answer.status;
    report = await answer.json();
  } catch {
    status = 0; // no answer, or half of one
  }
  const ms = performance.now() - began - at * 1000;
  const late = loadClass.limit > 0 && ms > loadClass.limit * 1000;
  const outcome = outcomeOf(status, report, entry.id, late);
  const { code, message } = report;
  const problem = code === undefined ? undefined : `${code}: ${message}`;
  return { at, className: loadClass.name, outcome, ms, answered: status === 200, problem };
}

function outcomeOf(
  status: number,
  { ExecutionNode, ExecutionArea }: Answer,
  entry: string,
  late: boolean,
): Outcome {
  if (status === 429) return "refused";
  if (status === 504 || (status === 200 && late)) return "late";
  if (status !== 200) return "failed";
  if (ExecutionNode === entry) return "local";
  return ExecutionArea === "CLOUD" ? "cloud" : "neighbour";
}

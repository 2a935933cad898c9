/**
 * What an experiment is.
 *
 * @module
 */

import type { Report } from "./report.ts";

/** What an experiment is run with. */
export interface Context {
  /** True to see in a minute that it works; the figures are worth little. */
  readonly quick: boolean;
  /** Where the reports of experiments are, this one's and those that ran before. */
  readonly folder: string;
  /** Ends it; what it started is stopped. */
  readonly signal: AbortSignal;
  /** Tells how far it is. */
  readonly say: (line: string) => void;
}

/** Measures something. */
export type Experiment = (context: Context) => Promise<Report>;

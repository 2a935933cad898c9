/**
 * The benchmark suites by name.
 *
 * @module
 */

import type { Results } from "./results.ts";
import { accessParts, accessSuite } from "./access/suite.ts";
import { clusterParts, clusterSuite } from "./cluster/suite.ts";
import { environmentsSuite } from "./environments/suite.ts";
import { evaluationParts, evaluationSuite } from "./evaluation/suite.ts";
import { nodeSuite } from "./node/suite.ts";

/** Measures something and adds its metrics. */
export type Suite = (results: Results) => Promise<void>;

/** All suites, in the order in which they run. */
export const suites: Readonly<Record<string, Suite>> = {
  node: nodeSuite,
  cluster: clusterSuite,
  environments: environmentsSuite,
  access: accessSuite,
  evaluation: evaluationSuite,
};

/** Benchmarks that can be run alone, as `SUITE/BENCHMARK`. */
export const parts: Readonly<Record<string, Suite>> = Object.fromEntries(
  Object.entries({ cluster: clusterParts, access: accessParts, evaluation: evaluationParts })
    .flatMap(([suite, each]) =>
      Object.entries(each).map(([name, measure]) => [`${suite}/${name}`, measure])
    ),
);

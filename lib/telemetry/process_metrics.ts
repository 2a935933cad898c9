/**
 * Memory of this process as a metric of nodes and balancers.
 *
 * @module
 */

import { Gauge, type Registry } from "prom-client";

/**
 * Adds the gauge `serverledge_process_memory_bytes`, read at each scrape. The heap includes garbage that is
 * not collected yet, so the minimum of `heap_used` over some minutes is what the process needs.
 *
 * @param registry registry of the process
 */
export function addProcessMetrics(registry: Registry): void {
  new Gauge({
    name: "serverledge_process_memory_bytes",
    help: "Memory of the process by kind: resident, heap, heap_used (of it), external (buffers)",
    labelNames: ["kind"],
    registers: [registry],
    collect() {
      const { rss, heapTotal, heapUsed, external } = Deno.memoryUsage();
      this.set({ kind: "resident" }, rss);
      this.set({ kind: "heap" }, heapTotal);
      this.set({ kind: "heap_used" }, heapUsed);
      this.set({ kind: "external" }, external);
    },
  });
}

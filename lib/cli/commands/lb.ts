/**
 * Subcommand `serverledge lb`.
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { configOptions } from "../options/options.ts";

/** Runs the load balancer of a region until a signal stops it. */
export const lb: Command = defineCommand({
  name: "lb",
  brief: "Run the load balancer of an area",
  description:
    "The load balancer distributes requests over the healthy nodes of its area, which it " +
    "finds in etcd. It registers itself there, so that edge nodes use it as their cloud. " +
    "Requests for a function go to the same node while that node has capacity. Several " +
    "load balancers can serve one area. It listens on this machine only; --listen " +
    "0.0.0.0 accepts connections from the network. See the keys lb.* and mab.* of " +
    "serverledge config --example.",
  examples: [
    ["serverledge lb --set etcd.address=10.0.0.2:2379 --area CLOUD", "for the nodes of CLOUD"],
    ["serverledge lb lb.yaml --listen 0.0.0.0", "a configured load balancer, open to the network"],
  ],
  options: configOptions,
  async run(options, globals, terminal) {
    // Commands of clients need not load the balancer.
    const { runServer } = await import("../run_node.ts");
    const { startBalancer } = await import("../../node/balancer_node.ts");
    const kind = { name: "Balancer", command: "lb", start: startBalancer };
    await runServer(kind, options, globals, terminal);
  },
});

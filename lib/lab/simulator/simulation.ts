/**
 * Run of a scenario with one policy under a virtual clock. The same scenario, seed and policy give the
 * same result, byte for byte.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { asServerledgeError, ServerledgeError } from "../../base/errors.ts";
import { seededRandom, seedOf } from "../../base/random.ts";
import type { InvokeRequest, Report } from "../../model/invocation.ts";
import { noParams } from "../../model/params.ts";
import { arrivalTimes, intervalsOf } from "./arrivals.ts";
import { SimBalancer } from "./balancer.ts";
import { gamma, truncatedNormal } from "./distributions.ts";
import type { Work } from "./environment.ts";
import { SimFunctions } from "./functions.ts";
import { Network } from "./network.ts";
import { SimNode } from "./node.ts";
import { SimPolicies } from "./policies.ts";
import type { Reachable } from "./reachable.ts";
import type { LoadModel, NodeModel, Scenario } from "./scenario/model.ts";
import type { Change } from "./scenario/schema.ts";
import { type ExecutionPlace, flowKey, Tally } from "./results/tally.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** Time for responses after the last arrival, ms. */
const settleMs = 200_000;

/**
 * Microtasks awaited after a timer, so that promises settle: the longest chain, a start that waits for a
 * removal, has about 15. A turn of the event loop would cost ten times as much.
 */
const settleTicks = 40;
/** Number of timers between two turns of the event loop, for signals and output. */
const eventsPerTurn = 1000;

/** A finished run. */
export interface Run {
  /** Counts of outcomes. */
  readonly tally: Tally;
  /** Number of simulated events. */
  readonly events: number;
}

/**
 * Simulates a scenario.
 *
 * @param policy name or path of the policy under test
 * @param warn called if a user's policy throws, makes a decision that is not allowed, or uses a former
 *   field name
 * @throws `CONFIG_INVALID` if there is no such policy
 */
export async function simulate(
  scenario: Scenario,
  policy: string,
  warn: (problem: string) => void,
): Promise<Run> {
  using simulation = new Simulation(scenario, policy, warn);
  return await simulation.run();
}

class Simulation implements Disposable {
  readonly #scenario: Scenario;
  readonly #policy: string;
  readonly #clock = new VirtualClock();
  readonly #functions: SimFunctions;
  readonly #network: Network;
  readonly #policies: SimPolicies;
  readonly #nodes = new Map<string, SimNode>();
  readonly #balancers: ReadonlyMap<string, SimBalancer>;
  readonly #tally: Tally;
  /** Factor of execution times by node, which survives a restart. */
  readonly #slowness = new Map<string, number>();
  /** Nodes being started, which may load policies. */
  readonly #starting = new Set<Promise<void>>();
  #incarnations = 0;
  #events = 0;

  constructor(scenario: Scenario, policy: string, warn: (problem: string) => void) {
    this.#scenario = scenario;
    this.#policy = policy;
    this.#functions = new SimFunctions(scenario.functions);
    this.#network = new Network(scenario);
    this.#policies = new SimPolicies(warn);
    const balancers = scenario.balanced.map((area) =>
      new SimBalancer({
        area,
        clock: this.#clock,
        network: this.#network,
        reach: (id) => this.#nodes.get(id),
      })
    );
    this.#balancers = new Map(balancers.map((balancer) => [balancer.record.id, balancer]));
    this.#tally = new Tally(scenario.classes, scenario.warmup * 1000, scenario.duration);
  }

  async run(): Promise<Run> {
    const { nodes, load, changes, duration } = this.#scenario;
    for (const model of nodes) await this.#start(model);
    const records = this.#all().map(({ record }) => record);
    for (const node of this.#nodes.values()) node.peers.join(records);
    for (const balancer of this.#balancers.values()) balancer.join(records);
    load.forEach((stream, at) => this.#feed(stream, at));
    for (const change of changes) this.#clock.after(change.at * 1000, () => this.#change(change));
    await this.#advance(duration * 1000);
    const end = duration * 1000 + settleMs;
    while (this.#tally.open > 0 && this.#clock.now() < end) {
      await this.#advance(Math.min(end, this.#clock.now() + 1000));
    }
    if (this.#tally.open > 0) {
      throw new ServerledgeError("INTERNAL", `${this.#tally.open} requests have no response`);
    }
    return { tally: this.#tally, events: this.#events };
  }

  [Symbol.dispose](): void {
    for (const node of this.#nodes.values()) node[Symbol.dispose]();
    for (const balancer of this.#balancers.values()) balancer[Symbol.dispose]();
    this.#policies[Symbol.dispose]();
  }

  /** Fires due timers one by one, and lets promises settle in between. */
  async #advance(untilMs: number): Promise<void> {
    while (this.#clock.step(untilMs)) {
      if (++this.#events % eventsPerTurn === 0) await nextTurn();
      for (let tick = 0; tick < settleTicks; tick++) await undefined;
      while (this.#policies.planning || this.#starting.size > 0) {
        await this.#policies.planned();
        await Promise.all(this.#starting);
        await nextTurn();
      }
    }
  }

  async #start(model: NodeModel): Promise<SimNode> {
    const { seed, settings } = this.#scenario;
    const incarnation = this.#incarnations++;
    const chance = (of: string) => seededRandom(seedOf(seed, `${of} ${model.id} ${incarnation}`));
    const policy = await this.#policies.make(model.policy ?? this.#policy, {
      random: chance("policy"),
      now: () => this.#clock.now(),
      settings,
    });
    const isCloud = model.area === this.#scenario.cloud;
    const node = new SimNode({
      model,
      scenario: this.#scenario,
      clock: this.#clock,
      functions: this.#functions,
      policy,
      peers: {
        random: chance("peers"),
        network: this.#network,
        reach: (id) => this.#nodes.get(id) ?? this.#balancers.get(id),
      },
      environment: {
        random: chance("starts"),
        executed: (record, work, ms) => {
          const { qos, origin, arrivedAt } = work;
          if (!work.ran) this.#tally.recordExecution(qos, arrivedAt);
          work.ran = true;
          if (!isCloud) return;
          const cost = this.#scenario.cost * ms / 1000 * record.memoryMib / 1024;
          this.#tally.recordCost(qos, origin, cost, this.#clock.now());
        },
      },
      incarnation,
    });
    node.slow(this.#slowness.get(model.id) ?? 1);
    this.#nodes.set(model.id, node);
    return node;
  }

  /** Schedules the arrivals of a stream. */
  #feed(stream: LoadModel, at: number): void {
    const { node, fn, rate, mix, process, shape, from, to } = stream;
    if (rate <= 0) return;
    const label = `${at} ${node} ${fn.name}`;
    const stream$ = (of: string) => seededRandom(seedOf(this.#scenario.seed, `${of} ${label}`));
    const chance = stream$("requests");
    const times = arrivalTimes(
      intervalsOf(process, rate, stream$("arrivals")),
      rate,
      shape,
      from,
      to,
    );
    const next = () => {
      const { value, done } = times.next();
      if (done) return;
      this.#clock.after(value * 1000 - this.#clock.now(), () => {
        const u = chance();
        const { qosClass } = mix.find(({ upTo }) => u < upTo) ?? mix.at(-1)!;
        this.#arrive(stream, this.#classIndex(qosClass.name), {
          ...noParams,
          work: gamma(chance, fn.duration.scv),
          bytes: Math.round(truncatedNormal(chance, fn.input)),
          origin: node,
          qos: 0,
          arrivedAt: this.#clock.now(),
          ran: false,
        });
        next();
      });
    };
    next();
  }

  #classIndex(name: string): number {
    return this.#scenario.classes.findIndex((each) => each.name === name);
  }

  #arrive({ node, fn }: LoadModel, qos: number, work: Work): void {
    const arrivedAt = this.#clock.now();
    const { qosClass } = this.#tally.classes[qos]!;
    this.#tally.recordArrival(flowKey(node, fn.name, qosClass.name), arrivedAt);
    work.qos = qos;
    const request: InvokeRequest = {
      params: work,
      qosClass: qosClass.name,
      maxResponseS: 0,
      locality: "any",
      canOffload: true,
      isAsync: false,
      returnOutput: false,
    };
    const ended = (report: Report | undefined, code: "OK" | ServerledgeError["code"]) =>
      this.#tally.recordEnd({
        qos,
        arrivedAt,
        respondedAt: this.#clock.now(),
        code,
        place: report && this.#placeOf(report, node),
        cold: report !== undefined && !report.isWarmStart,
      });
    const target = this.#nodes.get(node)!;
    if (!target.alive) return ended(undefined, "PEER_UNREACHABLE");
    target.submit(fn.name, request, work.bytes).then(
      ({ report }) => ended(report, "OK"),
      (error) => ended(undefined, asServerledgeError(error).code),
    );
  }

  /** Returns all registered nodes and balancers. */
  #all(): Reachable[] {
    return [...this.#nodes.values(), ...this.#balancers.values()];
  }

  #placeOf({ executionArea, executionNode }: Report, node: string): ExecutionPlace {
    if (executionNode === node) return "local";
    return executionArea === this.#scenario.cloud ? "cloud" : "edge";
  }

  #change({ slow, degrade, function: fn, fail, recover }: Change): void {
    for (const id of slow?.nodes ?? []) {
      this.#slowness.set(id, slow!.factor);
      this.#nodes.get(id)!.slow(slow!.factor);
    }
    if (degrade) this.#network.change(degrade.link, degrade.latency, degrade.bandwidth);
    for (const name of fn?.functions ?? []) this.#functions.change(name, fn!.duration);
    for (const id of fail ?? []) this.#nodes.get(id)!.crash();
    for (const id of recover ?? []) {
      const starting = this.#restart(id).finally(() => this.#starting.delete(starting));
      this.#starting.add(starting);
    }
  }

  async #restart(id: string): Promise<void> {
    if (this.#nodes.get(id)!.alive) return;
    const node = await this.#start(this.#scenario.nodes.find((model) => model.id === id)!);
    node.peers.join(this.#all().map(({ record }) => record));
    for (const other of this.#nodes.values()) if (other !== node) other.peers.joined(node.record);
    for (const balancer of this.#balancers.values()) balancer.joined(node.record);
  }
}

/** Waits for a turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Conversion of scenario files to scenarios for one seed.
 *
 * @module
 */

import type { ServerledgeError } from "../../../base/errors.ts";
import { seededRandom, seedOf } from "../../../base/random.ts";
import { parse } from "../../../json/json.ts";
import { defaultClass, type QosClass } from "../../../model/qos.ts";
import type { Random } from "../distributions.ts";
import { checkNames, checkScenario, scenarioError } from "./checks.ts";
import type { FunctionModel, LoadModel, NodeModel, Scenario, TimeModel } from "./model.ts";
import { type Drawn, type ScenarioFile, scenarioSchema, settingsOf } from "./schema.ts";

/** Default area of the cloud. */
const defaultCloud = "CLOUD";

/**
 * Validates a scenario file.
 *
 * @param value parsed YAML
 * @throws `INVALID_REQUEST` with the path of the first invalid key
 */
export function readScenario(value: unknown): ScenarioFile {
  const file = parse(scenarioSchema, value) as ScenarioFile;
  checkScenario(file, makeScenario(file, 0));
  return file;
}

/**
 * Creates the scenario of a file for one seed: groups are expanded and numbers are drawn.
 *
 * @param seed seed of all random numbers
 * @throws `INVALID_REQUEST` with the path of an unknown name
 */
export function makeScenario(file: ScenarioFile, seed: number): Scenario {
  const random = seededRandom(seedOf(seed, "scenario"));
  const nodes = makeNodes(file);
  const classes = makeClasses(file);
  const { functions, groups } = makeFunctions(file, random);
  const nodeGroups = groupsOf(nodes);
  checkNames("nodes", nodeGroups);
  checkNames("functions", groups);
  const nodesOf = resolver(nodes.map(({ id }) => id), nodeGroups, "node");
  const functionsOf = resolver(functions.map(({ name }) => name), groups, "function");
  const load = file.load.flatMap((entry, at): LoadModel[] => {
    const path = `load.${at}`;
    const wanted = entry.functions.length === 0
      ? functions.map(({ name }) => name)
      : functionsOf(entry.functions, `${path}.functions`);
    const mix = makeMix(entry.mix, classes, `${path}.mix`);
    const { process, shape, from, to } = entry;
    return nodesOf(entry.nodes, `${path}.nodes`).flatMap((node) =>
      wanted.map((name) => ({
        node,
        fn: functions.find((fn) => fn.name === name)!,
        rate: draw(entry.rate, random),
        mix,
        process,
        shape,
        from,
        to: Math.min(to, file.duration),
      }))
    );
  });
  const changes = file.changes.map((change, at) => {
    const path = `changes.${at}`;
    const { slow, fail, recover, function: fn } = change;
    return {
      ...change,
      slow: slow && { ...slow, nodes: nodesOf(slow.nodes, `${path}.slow.nodes`) },
      fail: fail && nodesOf(fail, `${path}.fail`),
      recover: recover && nodesOf(recover, `${path}.recover`),
      function: fn && { ...fn, functions: functionsOf(fn.functions, `${path}.function.functions`) },
    };
  }).sort((a, b) => a.at - b.at);
  const { edge, cloud, overhead, status } = file.network;
  return {
    about: file.about,
    seed,
    duration: file.duration,
    warmup: file.warmup,
    nodes,
    cloud: file.cloud ?? defaultCloud,
    balanced: areasOf(file.balanced, nodes),
    cost: file.cost,
    budget: file.budget ?? Infinity,
    edge: { latencyMs: edge.latency, bandwidth: edge.bandwidth },
    toCloud: { latencyMs: cloud.latency, bandwidth: cloud.bandwidth },
    overheadMs: overhead,
    statusMs: status * 1000,
    hops: file.hops,
    classes,
    functions,
    load,
    settings: settingsOf(file),
    changes,
  };
}

function draw(value: Drawn, random: Random): number {
  if (typeof value === "number") return value;
  if ("uniform" in value) {
    const [from, to] = value.uniform;
    return from + (to - from) * random();
  }
  return value.choice[Math.floor(random() * value.choice.length)]!;
}

function makeNodes(file: ScenarioFile): NodeModel[] {
  return Object.entries(file.nodes).flatMap(([group, each]) =>
    Array.from({ length: each.areas * each.count }, (_, at): NodeModel => ({
      id: each.areas * each.count === 1 ? group : `${group}-${at + 1}`,
      group,
      area: each.areas === 1 ? each.area : `${each.area}-${Math.floor(at / each.count) + 1}`,
      memoryMib: each.memory,
      cpus: each.cpus,
      speed: each.speed,
      starts: each.starts,
      queue: each.queue,
      idleMs: each.expiration * 1000,
      policy: each.policy,
    }))
  );
}

function groupsOf(nodes: readonly NodeModel[]): Map<string, string[]> {
  const groups = Map.groupBy(nodes, ({ group }) => group);
  return new Map([...groups].map(([group, members]) => [group, members.map(({ id }) => id)]));
}

/** Checks areas and removes duplicates. */
function areasOf(wanted: readonly string[], nodes: readonly NodeModel[]): string[] {
  wanted.forEach((area, at) => {
    if (!nodes.some((node) => node.area === area)) throw unknown(`balanced.${at}`, "area", area);
  });
  return [...new Set(wanted)];
}

/** As on a node, a class may replace the default one by name or id. */
function makeClasses(file: ScenarioFile): QosClass[] {
  const byId = new Map<number, string>();
  const classes = new Map([[defaultClass.name, defaultClass]]);
  Object.entries(file.classes).forEach(([name, fields], at) => {
    const id = fields.id ?? (name === defaultClass.name ? defaultClass.id : at + 1);
    const other = byId.get(id);
    if (other !== undefined) {
      throw scenarioError(`classes.${name}.id`, `class ${other} has the id ${id}`);
    }
    byId.set(id, name);
    classes.set(name, { ...defaultClass, ...fields, id, name });
  });
  return [...classes.values()];
}

function makeFunctions(file: ScenarioFile, random: Random) {
  const groups = new Map<string, string[]>();
  const functions = Object.entries(file.functions).flatMap(([group, each]) => {
    const names = Array.from(
      { length: each.count },
      (_, at) => each.count === 1 ? group : `${group}-${at + 1}`,
    );
    groups.set(group, names);
    return names.map((name): FunctionModel => ({
      name,
      memoryMib: Math.max(1, Math.round(draw(each.memory, random))),
      cpu: each.cpu,
      duration: drawTime(each.duration, random),
      start: drawTime(each.start, random),
      input: each.input,
    }));
  });
  return { functions, groups };
}

function drawTime(time: { mean: Drawn; scv: Drawn }, random: Random): TimeModel {
  return { meanMs: draw(time.mean, random) * 1000, scv: draw(time.scv, random) };
}

function makeMix(
  shares: Readonly<Record<string, number>>,
  classes: readonly QosClass[],
  path: string,
): LoadModel["mix"] {
  const entries = Object.entries(shares).filter(([, share]) => share > 0);
  if (entries.length === 0) {
    if (Object.keys(shares).length > 0) {
      throw scenarioError(path, "at least one weight must be above 0");
    }
    // The last one, since a class of the file replaces the default one.
    return [{
      qosClass: classes.findLast(({ id }) => id === defaultClass.id) ?? classes[0]!,
      upTo: 1,
    }];
  }
  const total = entries.reduce((sum, [, share]) => sum + share, 0);
  let upTo = 0;
  return entries.map(([name, share]) => {
    const qosClass = classes.find((each) => each.name === name);
    if (!qosClass) throw unknown(`${path}.${name}`, "class", name);
    upTo += share / total;
    return { qosClass, upTo };
  });
}

/** Resolves names of groups to their members. */
function resolver(
  names: readonly string[],
  groups: ReadonlyMap<string, readonly string[]>,
  kind: string,
) {
  return (wanted: readonly string[], path: string): string[] =>
    wanted.flatMap((name) => {
      const members = groups.get(name) ?? (names.includes(name) ? [name] : undefined);
      if (!members) throw unknown(path, kind, name);
      return members;
    });
}

function unknown(path: string, kind: string, name: string): ServerledgeError {
  return scenarioError(path, `there is no ${kind} "${name}"`);
}

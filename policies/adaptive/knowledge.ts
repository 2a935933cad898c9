/**
 * All that the policy has learned, in one place: valued, taught and shown by others.
 *
 * @module
 */

import { Crowding } from "./crowding.ts";
import { Delays } from "./delays.ts";
import { Executions } from "./executions.ts";
import { Book } from "./forgetting.ts";
import { Money } from "./money.ts";
import { Promises } from "./promises.ts";
import { Station } from "./station.ts";

/** Most other nodes that are remembered. */
const maxStations = 1000;

/** What was learned. */
export class Knowledge {
  /** What executions take. */
  readonly executions: Executions = new Executions();
  /** What is known of other nodes, by id. */
  readonly stations: Book<string, Station> = new Book(() => new Station(), maxStations);
  /** Times before executions here where no instance was warm, by function. */
  readonly startsHere: Book<string, Delays> = new Book(() => new Delays());
  /** Times in line here, by function. */
  readonly waitsHere: Book<string, Delays> = new Book(() => new Delays());
  /** Times before executions elsewhere that an instance was started for, by function. */
  readonly startsThere: Book<string, Delays> = new Book(() => new Delays());
  /** What memory and warm instances here are worth to others. */
  readonly crowding: Crowding = new Crowding();
  /** What is due to classes with a minimum share. */
  readonly promises: Promises = new Promises();
  /** What money is worth. */
  readonly money: Money;
  /** Cost of one GiB for one second in the cloud. */
  readonly cost: number;

  /**
   * Nothing learned yet.
   *
   * @param cost of one GiB for one second in the cloud
   * @param budgetPerHour what the cloud may cost in an hour; infinite: no limit
   * @param now monotonic time, ms
   */
  constructor(cost: number, budgetPerHour: number, now: number) {
    this.cost = cost;
    this.money = new Money(budgetPerHour, now);
  }

  /**
   * What an execution in the cloud costs.
   *
   * @param ms how long it takes
   * @param memoryMib memory of the instance
   */
  cloudCost(ms: number, memoryMib: number): number {
    return this.cost * ms / 1000 * memoryMib / 1024;
  }
}

/**
 * The promise to serve a share of each class, as a bonus for whatever serves it: the dual variable
 * of that constraint, raised while the share is missed and lowered while it is kept.
 *
 * @module
 */

import type { QosClass } from "../../lib/model/qos.ts";
import { Book } from "./forgetting.ts";

/** By what a refusal too many raises the bonus, as a share of the class's stakes. */
const step = 0.05;

/** Bonuses of classes. */
export class Promises {
  readonly #bonuses = new Book<number, { value: number }>(() => ({ value: 0 }));

  /** What serving a request of a class is worth beyond its utility. */
  bonus({ id, completion }: QosClass): number {
    return completion > 0 ? this.#bonuses.of(id).value : 0;
  }

  /** A request was served, or refused. */
  settled({ id, completion, utility, penalty }: QosClass, served: boolean): void {
    if (completion <= 0) return;
    const bonus = this.#bonuses.of(id);
    const scale = step * Math.max(utility, penalty, 1e-3);
    bonus.value = Math.max(0, bonus.value + scale * (completion - (served ? 1 : 0)));
  }
}

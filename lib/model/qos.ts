/**
 * Classes of service: who comes first when not everybody can be served.
 *
 * @module
 */

/** One class. */
export interface QosClass {
  /** Its name, as requests may give it. */
  readonly name: string;
  /** Its number, as requests may give it. */
  readonly id: number;
  /** What one answer within the limit is worth. */
  readonly utility: number;
  /** What one answer that comes late costs. */
  readonly penalty: number;
  /** Response-time limit of requests that name none, s; 0: none. */
  readonly limit: number;
  /** Share of its requests that must be served, 0 to 1. */
  readonly completion: number;
  /** Its share of the node when classes compete, relative to the others' weights. */
  readonly weight: number;
}

/** The class of requests that name none, unless the configuration has a class of number 0. */
export const defaultClass: QosClass = {
  name: "default",
  id: 0,
  utility: 1,
  penalty: 0,
  limit: 0,
  completion: 0,
  weight: 1,
};

/** Finds classes by what requests call them. */
export class QosClasses {
  readonly #byKey = new Map<string, QosClass>();

  /** @param classes configured ones, with distinct names and numbers */
  constructor(classes: readonly QosClass[]) {
    for (const each of [defaultClass, ...classes]) {
      this.#byKey.set(each.name, each);
      this.#byKey.set(String(each.id), each);
    }
  }

  /** All classes, each once. */
  get all(): QosClass[] {
    return [...new Set(this.#byKey.values())];
  }

  /**
   * The class that a request means.
   *
   * @returns the default class if there is none of that number or name, as in the Go node
   */
  of(key: number | string): QosClass {
    return this.#byKey.get(String(key)) ?? this.#byKey.get("0")!;
  }
}

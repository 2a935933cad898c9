/**
 * Classes of service: priorities and limits of requests when not all can be served.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

/** A class of service. */
export interface QosClass {
  /** Name that requests may give. */
  readonly name: string;
  /** Number that requests may give. */
  readonly id: number;
  /** Utility of a response within the limit. */
  readonly utility: number;
  /** Cost of a late response. */
  readonly penalty: number;
  /** Response-time limit of requests that give none, s; 0: none. */
  readonly limit: number;
  /** Share of its requests that must be served, 0 to 1. */
  readonly completion: number;
  /** Share of the node when classes compete, relative to the weights of the others. */
  readonly weight: number;
}

/** Class of requests that name none, unless the configuration has a class with number 0. */
export const defaultClass: QosClass = {
  name: "default",
  id: 0,
  utility: 1,
  penalty: 0,
  limit: 0,
  completion: 0,
  weight: 1,
};

/** Finds classes by number or name. */
export class QosClasses {
  readonly #byKey = new Map<string, QosClass>();

  /**
   * Indexes the default class and the configured ones.
   *
   * @param classes configured ones, with distinct names and numbers
   */
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

  /** Returns the class with a number or name; undefined if there is none. */
  find(key: number | string): QosClass | undefined {
    return this.#byKey.get(String(key));
  }

  /**
   * Returns the class of a request.
   *
   * @returns the class with that number or name, otherwise the default class, as in the Go node
   */
  of(key: number | string): QosClass {
    return this.find(key) ?? this.#byKey.get("0")!;
  }

  /**
   * Returns the error for a name that no class has.
   *
   * @param path field that contains the name
   */
  unknown(name: string, path: string): ServerledgeError {
    const names = this.all.map((each) => each.name);
    const near = nearest(name, names);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    return new ServerledgeError(
      "UNPROCESSABLE",
      `${path}: this node has no QoS class "${name}"; its classes are ${names.join(", ")}${hint}`,
      { details: { path } },
    );
  }
}

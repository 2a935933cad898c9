/**
 * The instances that another node is believed to have, as a cache of its memory that requests of
 * this node fill: what was used longest ago goes first when it gets full.
 *
 * @module
 */

/** Most functions that are remembered of one node. */
const maxFunctions = 500;

/** The instances of one function. */
interface Stock {
  /** Requests of this node that are there now. */
  away: number;
  /** Instances that are believed to be there. */
  instances: number;
  memoryMib: number;
}

/** The instances of one node. */
export class Shelf {
  /** In the order of their last use. */
  readonly #stocks = new Map<string, Stock>();
  /** The most memory that it ever told it had available, MiB. */
  #memoryMib = 0;
  #away = 0;
  #sentAt = -Infinity;

  /**
   * What its news tell.
   *
   * @param fn a function
   * @param warm whether they tell of an idle instance of it
   * @param availableMib memory that no busy instance holds
   * @param toldAt when it told, ms
   */
  told(fn: string, warm: boolean, availableMib: number, toldAt: number): void {
    if (Number.isFinite(availableMib)) this.#memoryMib = Math.max(this.#memoryMib, availableMib);
    const stock = this.#stocks.get(fn);
    if (!stock) return;
    if (warm) stock.instances = Math.max(stock.instances, stock.away + 1);
    // Nothing was under way when it told: there is none.
    else if (this.#away === 0 && this.#sentAt < toldAt) stock.instances = 0;
  }

  /**
   * Share of its memory that is in use.
   *
   * @param availableMib what no busy instance holds
   */
  busyShare(availableMib: number): number {
    return this.#memoryMib > 0 ? Math.max(0, 1 - availableMib / this.#memoryMib) : 0;
  }

  /** True if an instance that none of this node's requests uses is believed to be there. */
  hasIdle(fn: string): boolean {
    const stock = this.#stocks.get(fn);
    return stock !== undefined && stock.away < stock.instances;
  }

  /** A request leaves for it. */
  sent(fn: string, memoryMib: number, now: number): void {
    const stock = this.#use(fn, memoryMib);
    stock.away++;
    this.#away++;
    this.#sentAt = now;
  }

  /** A request is back. */
  back(fn: string): void {
    const stock = this.#stocks.get(fn);
    if (!stock || stock.away === 0) return;
    stock.away--;
    this.#away--;
  }

  /**
   * A request that is back now was served there.
   *
   * @param expected whether an idle instance was believed to be there
   * @param started whether one had to be started
   */
  served(fn: string, memoryMib: number, expected: boolean, started: boolean): void {
    const stock = this.#use(fn, memoryMib);
    const used = stock.away + 1;
    stock.instances = expected && started ? used : Math.max(stock.instances, used);
    this.#evict(stock);
  }

  #use(fn: string, memoryMib: number): Stock {
    let stock = this.#stocks.get(fn);
    if (stock) this.#stocks.delete(fn);
    else {
      if (this.#stocks.size >= maxFunctions) {
        this.#stocks.delete(this.#stocks.keys().next().value!);
      }
      stock = { away: 0, instances: 0, memoryMib };
    }
    this.#stocks.set(fn, stock);
    stock.memoryMib = memoryMib;
    return stock;
  }

  /** What no longer fits goes, but not what is in use or has just come. */
  #evict(newest: Stock): void {
    if (this.#memoryMib === 0) return;
    let held = 0;
    for (const { instances, memoryMib } of this.#stocks.values()) held += instances * memoryMib;
    for (const stock of this.#stocks.values()) {
      while (held > this.#memoryMib && stock !== newest && stock.instances > stock.away) {
        stock.instances--;
        held -= stock.memoryMib;
      }
    }
  }
}

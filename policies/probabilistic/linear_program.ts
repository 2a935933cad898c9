/**
 * Linear programs as data, and their builder.
 *
 * @module
 */

/** Minimizes `cost x` subject to `rowLower <= A x <= rowUpper` and `lower <= x <= upper`. */
export interface LinearProgram {
  /** Cost of each variable. */
  readonly cost: readonly number[];
  /** Lower bound of each variable. */
  readonly lower: readonly number[];
  /** Upper bound of each variable; may be infinite. */
  readonly upper: readonly number[];
  /** Lower bound of each row; may be infinite. */
  readonly rowLower: readonly number[];
  /** Upper bound of each row; may be infinite. */
  readonly rowUpper: readonly number[];
  /** Index in `indices` and `values` at which each row begins, and the end of the last row. */
  readonly starts: readonly number[];
  /** Variable of each coefficient. */
  readonly indices: readonly number[];
  /** The coefficients. */
  readonly values: readonly number[];
}

/** Solves linear programs, one at a time. */
export interface LinearSolver extends Disposable {
  /**
   * Solves a program.
   *
   * @returns the value of each variable at an optimum
   * @throws `INTERNAL` if there is none, or it was not found in time
   */
  solve(program: LinearProgram): Promise<readonly number[]>;
}

/** Collects variables and rows. */
export class ProgramBuilder {
  readonly #cost: number[] = [];
  readonly #lower: number[] = [];
  readonly #upper: number[] = [];
  readonly #rowLower: number[] = [];
  readonly #rowUpper: number[] = [];
  readonly #starts: number[] = [0];
  readonly #indices: number[] = [];
  readonly #values: number[] = [];

  /**
   * Adds a variable.
   *
   * @param cost cost of one unit
   * @param upper its upper bound; the lower is 0
   * @returns its index
   */
  variable(cost: number, upper: number): number {
    this.#lower.push(0);
    this.#upper.push(upper);
    return this.#cost.push(cost) - 1;
  }

  /**
   * Adds a row.
   *
   * @param lower its lower bound
   * @param terms variables and their coefficients
   * @param upper its upper bound
   */
  row(lower: number, terms: readonly (readonly [number, number])[], upper: number): void {
    for (const [variable, coefficient] of terms) {
      if (coefficient === 0) continue;
      this.#indices.push(variable);
      this.#values.push(coefficient);
    }
    this.#starts.push(this.#indices.length);
    this.#rowLower.push(lower);
    this.#rowUpper.push(upper);
  }

  /** The program so far. */
  get program(): LinearProgram {
    return {
      cost: this.#cost,
      lower: this.#lower,
      upper: this.#upper,
      rowLower: this.#rowLower,
      rowUpper: this.#rowUpper,
      starts: this.#starts,
      indices: this.#indices,
      values: this.#values,
    };
  }
}

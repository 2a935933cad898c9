/**
 * Asking one after the other of several that can all answer, without waiting for one that is silent.
 *
 * @module
 */

/** How much longer each further try waits for the next than the one before. */
const patienceGrowth = 1.2;

/** How several are asked. */
export interface HedgeOptions {
  /** How often is asked at most. */
  readonly tries: number;
  /** How long the first may be silent before the next is asked as well, ms; infinite: until it fails. */
  readonly patienceMs: number;
  /** Whether an error is the answer, so that nobody else is asked. */
  readonly isFinal: (error: unknown) => boolean;
  /** Whether an error passes by itself, so that the next is asked after the pause, not at once. */
  readonly passes?: (error: unknown) => boolean;
}

/**
 * Whom a try asks: all in turn, and after that all but the first, which was silent for longest.
 *
 * @param tried how often was asked before
 * @param count how many there are
 * @returns 0 for the first
 */
export function memberOf(tried: number, count: number): number {
  return tried < count || count === 1 ? tried % count : 1 + (tried - count) % (count - 1);
}

/**
 * Takes the first good answer: the next is asked when one fails, and also when it is silent for a
 * while, each time for longer, which leaves the former the chance to answer after all (Dean and Barroso 2013, "The Tail at
 * Scale", hedged requests). What is asked must be harmless to repeat.
 *
 * @param options how often, how soon
 * @param ask asks; its control is aborted when another has answered
 * @returns the answer
 * @throws the last error if all fail, or the first final one
 */
export function firstAnswer<T>(
  { tries, patienceMs, isFinal, passes = () => false }: HedgeOptions,
  ask: (index: number, control: AbortController) => Promise<T>,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const controls: AbortController[] = [];
  let open = 0;
  let isOver = false;
  let timer: number | undefined;
  let patience = patienceMs;
  const finish = (winner?: AbortController) => {
    isOver = true;
    clearTimeout(timer);
    for (const control of controls) if (control !== winner) control.abort();
  };
  const next = () => {
    clearTimeout(timer);
    if (isOver || controls.length === tries) return;
    const control = new AbortController();
    const index = controls.push(control) - 1;
    open++;
    if (Number.isFinite(patience)) timer = setTimeout(next, patience);
    patience *= patienceGrowth;
    ask(index, control).then((answer) => {
      if (isOver) return;
      finish(control);
      resolve(answer);
    }, (error) => {
      open--;
      if (isOver) return;
      if (!isFinal(error) && (open > 0 || controls.length < tries)) {
        const isTimed = Number.isFinite(patience) && controls.length < tries;
        return isTimed && passes(error) ? undefined : next();
      }
      finish();
      reject(error);
    });
  };
  next();
  return promise;
}

/**
 * Hedged requests to several members, any of which can respond; a slow member does not delay them.
 *
 * @module
 */

/** Factor by which the delay grows with each attempt. */
const delayGrowth = 1.2;

/** Settings of hedged requests. */
export interface HedgeOptions {
  /** Maximum number of attempts. */
  readonly tries: number;
  /** Time after which the next member is tried in addition, ms; infinite: only after a failure. */
  readonly delayMs: number;
  /** Whether an error is final, so that no other member is tried. */
  readonly isFinal: (error: unknown) => boolean;
  /** Whether an error is transient, so that the next member is tried after the delay only. */
  readonly isTransient?: (error: unknown) => boolean;
}

/**
 * Selects the member of an attempt: all in turn, then all but the first, which was slow the
 * longest.
 *
 * @param tried number of earlier attempts
 * @param count number of members
 * @returns the index
 */
export function memberIndex(tried: number, count: number): number {
  return tried < count || count === 1 ? tried % count : 1 + (tried - count) % (count - 1);
}

/**
 * Returns the first successful response: the next member is tried when one fails, and also when it
 * has not responded for a while, each time for longer, while the earlier ones may still respond
 * (Dean and Barroso 2013, "The Tail at Scale", hedged requests). Requests must be safe to repeat.
 *
 * @param ask sends a request; its control is aborted when another one has succeeded
 * @throws the last error if all fail, or the first final one
 */
export function firstResponse<T>(
  { tries, delayMs: patienceMs, isFinal, isTransient: passes = () => false }: HedgeOptions,
  ask: (index: number, control: AbortController) => Promise<T>,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const controls: AbortController[] = [];
  let open = 0;
  let isOver = false;
  let timer: number | undefined;
  let delay = patienceMs;
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
    if (Number.isFinite(delay)) timer = setTimeout(next, delay);
    delay *= delayGrowth;
    ask(index, control).then((response) => {
      if (isOver) return;
      finish(control);
      resolve(response);
    }, (error) => {
      open--;
      if (isOver) return;
      if (!isFinal(error) && (open > 0 || controls.length < tries)) {
        const isTimed = Number.isFinite(delay) && controls.length < tries;
        return isTimed && passes(error) ? undefined : next();
      }
      finish();
      reject(error);
    });
  };
  next();
  return promise;
}

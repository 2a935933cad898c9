/**
 * How whoever makes large things tells what they take.
 *
 * @module
 */

/**
 * Books memory before it is used; who gave this gives it back.
 *
 * @param bytes how much more
 * @throws `NODE_SATURATED` if there is no room for it
 */
export type BookMemory = (bytes: number) => void;

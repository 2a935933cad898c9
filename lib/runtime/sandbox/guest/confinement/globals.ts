/**
 * Globals that functions keep in a sandbox. All others are removed. A global that a later version of Deno
 * adds is therefore removed until it has been reviewed.
 *
 * Not listed, among others: `Worker`, `SharedWorker` (their modules are not checked), `WebSocket`,
 * `EventSource` (network), `caches`, `localStorage`, `sessionStorage` (files), `GPU*` (devices),
 * `BroadcastChannel`, `alert`, `confirm`, `prompt` (the terminal).
 *
 * @module
 */

const language =
  "Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean " +
  "String Symbol Date Promise RegExp Error AggregateError EvalError RangeError ReferenceError " +
  "SyntaxError TypeError URIError SuppressedError globalThis JSON Math Intl ArrayBuffer " +
  "SharedArrayBuffer Atomics Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array " +
  "BigUint64Array BigInt64Array Uint8ClampedArray Float16Array Float32Array Float64Array DataView " +
  "Map BigInt Set Iterator AsyncIterator WeakMap WeakSet Proxy Reflect FinalizationRegistry WeakRef " +
  "decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape eval isFinite isNaN " +
  "DisposableStack AsyncDisposableStack WebAssembly Temporal";

const web = "console queueMicrotask AbortController AbortSignal Blob ByteLengthQueuingStrategy " +
  "CloseEvent CompressionStream CountQueuingStrategy CryptoKey CustomEvent DecompressionStream " +
  "DOMException QuotaExceededError ErrorEvent Event EventTarget File FileReader FormData Headers " +
  "MessageChannel MessageEvent MessagePort Performance PerformanceEntry PerformanceMark " +
  "PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PromiseRejectionEvent " +
  "ProgressEvent ReadableStream ReadableStreamDefaultReader Request Response TextDecoder " +
  "TextEncoder TextDecoderStream TextEncoderStream TransformStream URL URLPattern URLSearchParams " +
  "WritableStream WritableStreamDefaultWriter WritableStreamDefaultController " +
  "ReadableByteStreamController ReadableStreamBYOBReader ReadableStreamBYOBRequest " +
  "ReadableStreamDefaultController TransformStreamDefaultController atob btoa crypto Crypto " +
  "SubtleCrypto fetch performance reportError structuredClone setTimeout clearTimeout setInterval " +
  "clearInterval self navigator close addEventListener removeEventListener dispatchEvent";

const platform = "Deno process Buffer global setImmediate clearImmediate";

/** Names of the globals that stay. */
export const harmlessGlobals: ReadonlySet<string> = new Set(
  [language, web, platform].flatMap((names) => names.split(" ")),
);

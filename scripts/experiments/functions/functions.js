// deno-lint-ignore-file no-unused-vars -- whoever sends it to a node adds the export of one of them
// The same for Node.js (CommonJS) and, with its exports at the end changed, for Deno.
function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

function countPrimes(n) {
  const composite = new Uint8Array(n + 1);
  let count = 0;
  for (let i = 2; i <= n; i++) {
    if (composite[i]) continue;
    count++;
    for (let k = i * i; k <= n; k += i) composite[k] = 1;
  }
  return count;
}

const fibonacci = ({ n }) => fib(n);
const sieve = ({ n }) => countPrimes(n);
const noop = () => 0;
const echo = (params) => params;

// Runs in a worker of its own, behind the source of the `highs` package, whose `Module` loads HiGHS:
// takes a compiled module first, then linear programs, and answers each with the values of its
// variables.
/* global Module */
let loading;

self.onmessage = async ({ data: { wasm, program } }) => {
  try {
    if (wasm) loading = load(wasm);
    else self.postMessage(solve(await loading, program));
  } catch (error) {
    self.postMessage({ problem: String(error) });
  }
};

function load(wasm) {
  // The package takes a process for Node.js and then looks for files that are not there.
  Object.defineProperty(globalThis, "process", { value: undefined });
  return Module({
    instantiateWasm(imports, done) {
      WebAssembly.instantiate(wasm, imports).then(done);
      return {};
    },
  });
}

function solve(highs, program) {
  const numCols = program.cost.length;
  const numRows = program.rowLower.length;
  const { starts, indices, values } = program;
  const { status, value } = highs.raw.lpCall({
    numCols,
    numRows,
    colCost: program.cost,
    colLower: program.lower,
    colUpper: program.upper,
    rowLower: program.rowLower,
    rowUpper: program.rowUpper,
    matrix: { format: "csr", numRows, numCols, starts, indices, values },
  });
  const { status: call, modelStatus } = highs.constants;
  if (status === call.error || value.modelStatus !== modelStatus.optimal) {
    return { problem: `status ${status}, model status ${value?.modelStatus}` };
  }
  return { solution: [...value.solution.colValue] };
}

// Runs in a worker of its own, behind the source of the `highs` package, whose `Module` loads HiGHS:
// takes a compiled module and a linear program, answers with the values of the variables.
/* global Module */
self.onmessage = async ({ data: { wasm, program } }) => {
  try {
    // The package takes a process for Node.js and then looks for files that are not there.
    Object.defineProperty(globalThis, "process", { value: undefined });
    const highs = await Module({
      instantiateWasm(imports, done) {
        WebAssembly.instantiate(wasm, imports).then(done);
        return {};
      },
    });
    const numCols = program.cost.length;
    const numRows = program.rowLower.length;
    const { status, value } = highs.raw.lpCall({
      numCols,
      numRows,
      colCost: program.cost,
      colLower: program.lower,
      colUpper: program.upper,
      rowLower: program.rowLower,
      rowUpper: program.rowUpper,
      matrix: {
        format: "csr",
        numRows,
        numCols,
        starts: program.starts,
        indices: program.indices,
        values: program.values,
      },
    });
    const { error } = highs.constants.status;
    const { optimal } = highs.constants.modelStatus;
    const solved = status !== error && value.modelStatus === optimal;
    self.postMessage(
      solved ? { solution: [...value.solution.colValue] } : {
        problem: `status ${status}, model status ${value?.modelStatus}`,
      },
    );
  } catch (error) {
    self.postMessage({ problem: String(error) });
  }
};

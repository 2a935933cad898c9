import { environmentContract } from "../../contract/environment.ts";
import { buildCustomImage, dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";

async function open() {
  const world = await dockerWorld();
  return {
    environment: world.environment,
    written: world.written,
    instances: () => world.containers({ functions: true }),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

environmentContract({
  runtime: "python",
  record: (behaviour, change) => dockerFunction("python", `cases.${behaviour}`, change),
  call: dockerCall,
  errorType: "ValueError",
  concurrent: true,
  interrupts: true,
}, open);

environmentContract({
  runtime: "nodejs",
  record: (behaviour, change) => dockerFunction("nodejs", `cases.${behaviour}`, change),
  call: dockerCall,
  errorType: "TypeError",
  concurrent: true,
  interrupts: true,
}, open);

environmentContract({
  runtime: "binary",
  record: (behaviour, change) => dockerFunction("binary", `program.sh ${behaviour}`, change),
  call: dockerCall,
  errorType: "ExitStatus",
  errorMessage: "the program ended with exit status 3",
  lacks: {
    crash: "the process of a call ends with it, the instance lives on",
    greedy: "the process of a call is killed, the instance lives on",
  },
  concurrent: true,
  interrupts: true,
}, open);

environmentContract({
  runtime: "custom",
  record: (behaviour, change) => {
    // The server answers these alike.
    const name = behaviour === "noisy" || behaviour === "stray" ? "echo" : behaviour;
    return dockerFunction("custom", "", { ...change, env: { CASE: name } });
  },
  call: dockerCall,
  errorType: "FunctionFailure",
  concurrent: false,
  interrupts: false,
}, async () => {
  await buildCustomImage();
  return open();
});

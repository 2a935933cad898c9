/**
 * Runs the examples in the documentation of what the project exports, as tests of Deno do: each as a
 * module of its own that may import all of the file it stands in. They may use loopback and nothing else.
 *
 * Usage: deno run -A scripts/check/examples.ts [FILE...]
 *
 * @module
 */

import { projectFiles, root } from "../project.ts";

/** Files of the project whose documentation has examples. */
async function filesWithExamples(): Promise<string[]> {
  const files: string[] = [];
  for (const path of await projectFiles(["lib", "policies"])) {
    if (/^ *\* @example/m.test(await Deno.readTextFile(root + path))) files.push(path);
  }
  return files;
}

/** Runs the examples of some files. Resolves to whether all passed, and what Deno printed. */
async function runExamples(
  files: readonly string[],
): Promise<{ readonly passed: boolean; readonly output: string }> {
  const config = await Deno.makeTempFile({ suffix: ".json" });
  try {
    // Each example gets all that its file exports, and uses some of it.
    const own = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
    own.compilerOptions.noUnusedLocals = false;
    await Deno.writeTextFile(config, JSON.stringify(own));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--doc", "--quiet", "--config", config, "--lock", `${root}deno.lock`],
        ...["--frozen", "--allow-net=127.0.0.1", ...files],
      ],
      cwd: root,
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { passed: success, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    await Deno.remove(config);
  }
}

if (import.meta.main) {
  const files = Deno.args.length > 0 ? Deno.args : await filesWithExamples();
  const { passed, output } = await runExamples(files);
  if (!passed) {
    console.error(output);
    Deno.exit(1);
  }
  console.log(`${files.length} files with examples, all run`);
}

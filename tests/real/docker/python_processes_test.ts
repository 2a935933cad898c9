import assert from "node:assert/strict";
import { failure, value } from "../../contract/environment.ts";
import { dockerCall, dockerFunction, dockerWorld } from "../../support/docker.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp_dir.ts";

const never = new AbortController().signal;

Deno.test("coroutines and processes of Python functions", async (t) => {
  await using world = await dockerWorld();
  const start = (handler: string, change = {}) =>
    world.environment.start(dockerFunction("python", handler, change), never);

  for (const handler of ["tasks.locked", "tasks.plain"]) {
    await t.step(`calls share the lock of their module: ${handler}`, async () => {
      await using instance = await start(handler, { maxConcurrency: 4 });
      const replies = await Promise.all([1, 2, 3, 4].map(() => instance.invoke(dockerCall())));
      assert.deepEqual(replies.map(value), ["done", "done", "done", "done"]);
    });
  }

  await t.step("calls meet by event, queue, semaphore and background task", async () => {
    await using instance = await start("tasks.meet", { maxConcurrency: 2 });
    const first = dockerCall({ params: { wait: true } });
    const waiting = instance.invoke(first);
    const second = instance.invoke(dockerCall({ params: { wait: false } }));
    assert.equal(value(await second), "worked");
    assert.equal(value(await waiting), "word");
    const said = world.written.find(({ text }) => text === "in the background\n");
    assert.equal(said?.id, first.id, "what a task writes is its call's");
  });

  await t.step("one coroutine is interrupted while others go on", async () => {
    await using instance = await start("tasks.nap", { maxConcurrency: 3 });
    const late = dockerCall({ params: { s: 600 } });
    const running = instance.invoke(late);
    const other = instance.invoke(dockerCall({ params: { s: 0.3 } }));
    await eventually("it runs", () => instance.output(late.id) === "begun\n");
    instance.cancel(late.id);
    const reply = await running;
    assert.equal(failure(reply).type, "Interrupted");
    assert.equal(reply.output, "begun\ncleaned up\n");
    assert.equal(value(await other), "rested");
  });

  for (const how of ["block", "spin"]) {
    await t.step(
      `a coroutine that blocks the loop delays others until its own deadline: ${how}`,
      async () => {
        await using instance = await start("tasks.nap", { maxConcurrency: 3 });
        const other = instance.invoke(dockerCall({ params: { s: 0.05 } }));
        const late = dockerCall({ params: { [how]: true } });
        const running = instance.invoke(late);
        await eventually("it runs", () => instance.output(late.id) === "begun\n");
        instance.cancel(late.id);
        assert.equal(failure(await running).type, "Interrupted");
        assert.equal(value(await other), "rested");
        assert.equal(value(await instance.invoke(dockerCall({ params: {} }))), "rested");
      },
    );
  }

  await t.step("a coroutine that exits is a failure, and the loop goes on", async () => {
    await using instance = await start("tasks.leave", { maxConcurrency: 2 });
    for (let i = 0; i < 2; i++) {
      const { type, message } = failure(await instance.invoke(dockerCall()));
      assert.deepEqual([type, message], ["SystemExit", "4"]);
    }
  });

  for (const maxConcurrency of [1, 2]) {
    await t.step(
      `a child that comes back from the handler ends, at ${maxConcurrency}`,
      async () => {
        await using instance = await start("forks.forks", { maxConcurrency });
        for (const [end, status] of [["return", 0], ["raise", 1], ["exit", 5]] as const) {
          const call = dockerCall({ params: { end }, returnOutput: true });
          const reply = await instance.invoke(call);
          assert.equal(value(reply), status, end);
          if (maxConcurrency === 1) assert.match(reply.output, /^in the child\n/);
          if (end === "raise") {
            await eventually(
              "its traceback is kept",
              () => world.written.some(({ text }) => text.includes("ValueError: in the child")),
            );
          }
        }
      },
    );
  }

  for (const method of ["fork", "spawn"]) {
    await t.step(`multiprocessing works: ${method}`, async () => {
      await using instance = await start("forks.pool", { memoryMib: 256 });
      const reply = await instance.invoke(dockerCall({ params: { method }, returnOutput: true }));
      assert.deepEqual(value(reply), [1, 4, 9]);
      assert.deepEqual(reply.output.match(/squares \d/g)?.sort(), [
        "squares 1",
        "squares 2",
        "squares 3",
      ]);
    });
  }
});

Deno.test("modules of Python functions", async (t) => {
  await using folder = await tempDir("modules");
  const code = (text: string) =>
    `from __future__ import annotations\ndef handler(params, context):\n    return ${text}\n`;
  const files: Record<string, string> = {
    "my-fn.py": code('"dash"'),
    "src/app.py": "from . import other\n" + code("other.word").replace(/^.*\n/, ""),
    "src/other.py": 'word = "source"\n',
    "test/app.py": code('"own test"'),
    "time.py": code('"own time"'),
    "queue.py": code('"own queue"'),
    "pack/__init__.py": code('"package"'),
    "pack/part.py": code('"part"'),
    "broken.py": "import no_such_module\n",
    "digits.py":
      "def handler(params, context):\n    return 10 ** params['count'] - 1 if params.get('count') else params['number'] + 1\n",
    "user.py": "import getpass, os\ndef handler(params, context):\n    return getpass.getuser()\n",
  };
  await Deno.chmod(folder.path, 0o755);
  for (const name of ["src", "test", "pack"]) await Deno.mkdir(`${folder.path}/${name}`);
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder.path}/${name}`, text);
  }
  await using world = await dockerWorld({ folder: folder.path });
  const start = (handler: string) =>
    world.environment.start(dockerFunction("python", handler), never);

  await t.step("handlers are found by name and by path, whatever hides them", async () => {
    for (
      const [handler, word] of [
        ["my-fn.handler", "dash"],
        ["./src/app.handler", "source"],
        ["src/app.handler", "source"],
        ["src.app.handler", "source"],
        ["test/app.handler", "own test"],
        ["time.handler", "own time"],
        ["queue.handler", "own queue"],
        ["pack.handler", "package"],
        ["pack.part.handler", "part"],
      ]
    ) {
      await using instance = await start(handler!);
      assert.equal(value(await instance.invoke(dockerCall())), word, handler);
    }
    const reported = world.written.filter(({ id }) => id === null).map(({ text }) => text).join("");
    assert.match(
      reported,
      /time\.py is hidden: `import time` gives Python's own module\. Rename it\./,
    );
    assert.doesNotMatch(reported, /queue\.py is hidden/);
  });

  await t.step("a module with a missing import fails with its name", async () => {
    await using instance = await start("broken.handler");
    const { message } = failure(await instance.invoke(dockerCall()));
    assert.equal(message, "No module named 'no_such_module'");
  });

  await t.step(
    "integers are exact, and refused with a message if Python refuses them",
    async () => {
      await using instance = await start("digits.handler");
      const { result } = await instance.invoke(dockerCall({ params: { count: 40 } })) as {
        result: string;
      };
      assert.equal(result, "9".repeat(40));
      const { message } = failure(await instance.invoke(dockerCall({ params: { count: 5000 } })));
      assert.match(message, /4300 digits/);
    },
  );

  await t.step("the user has a name", async () => {
    await using instance = await start("user.handler");
    assert.equal(value(await instance.invoke(dockerCall())), "nobody");
  });
});

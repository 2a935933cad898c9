"""Functions that start processes of Python's."""

import multiprocessing
import os
import sys


def forks(params, context):
    pid = os.fork()
    if pid == 0:
        print("in the child", flush=True)
        if params["end"] == "raise":
            raise ValueError("in the child")
        if params["end"] == "exit":
            sys.exit(5)
        return "from the child"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def square(number):
    print("squares", number, flush=True)
    return number * number


def pool(params, context):
    with multiprocessing.get_context(params["method"]).Pool(2) as workers:
        return workers.map(square, [1, 2, 3])

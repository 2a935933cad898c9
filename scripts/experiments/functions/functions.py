def fibonacci(params, context):
    return fib(params["n"])


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def sieve(params, context):
    n = params["n"]
    composite = bytearray(n + 1)
    count = 0
    for i in range(2, n + 1):
        if composite[i]:
            continue
        count += 1
        for k in range(i * i, n + 1, i):
            composite[k] = 1
    return count


def noop(params, context):
    return 0


def echo(params, context):
    return params


def nap(params, context):
    import time

    time.sleep(params["s"])
    return 0

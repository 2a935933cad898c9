"""Coroutines that share their module's objects."""

import asyncio
import time

lock = asyncio.Lock()
event = asyncio.Event()
slots = asyncio.Semaphore(2)
words = asyncio.Queue()
background = None


async def locked(params, context):
    async with lock:
        await asyncio.sleep(0.02)
    return "done"


def plain(params, context):
    """A plain function that gives a coroutine."""
    return locked(params, context)


async def meet(params, context):
    """Needs a second call that sets the event and puts the word."""
    global background
    if params["wait"]:
        background = asyncio.ensure_future(work())
        async with slots:
            await event.wait()
        return await words.get()
    async with slots:
        event.set()
        await words.put("word")
    return await background


async def work():
    await asyncio.sleep(0.01)
    print("in the background")
    return "worked"


async def nap(params, context):
    """Sleeps, or blocks the event loop."""
    print("begun")
    try:
        if params.get("block"):
            time.sleep(600)
        if params.get("spin"):
            while True:
                pass
        await asyncio.sleep(params.get("s", 0))
    finally:
        print("cleaned up")
    return "rested"


async def leave(params, context):
    raise SystemExit(4)

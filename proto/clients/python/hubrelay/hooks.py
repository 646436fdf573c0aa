"""Hooks of an application: plain functions or coroutine functions."""
import asyncio
import inspect
from typing import Any, Callable


async def result_of(hook: Callable[..., Any], *arguments: Any) -> Any:
    """What the hook returns. Raises what it raises, but a RuntimeError if it was cancelled and its caller was not.

    A hook that waits for a task which somebody has cancelled raises CancelledError. For the caller that would be its
    own end, and its framework does not begin a second task that listens.
    """
    try:
        result = hook(*arguments)
    except asyncio.CancelledError as error:
        raise RuntimeError("the hook has raised CancelledError") from error
    if not inspect.isawaitable(result):
        return result
    task = asyncio.ensure_future(result)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:  # the caller's
        task.cancel()
        await asyncio.wait({task})
        raise
    if task.cancelled():
        raise RuntimeError("the hook has raised CancelledError")
    return task.result()

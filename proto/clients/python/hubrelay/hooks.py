"""Hooks of an application: plain functions or coroutine functions."""
import asyncio
import inspect
from typing import Any, Callable


async def result_of(hook: Callable[..., Any], *arguments: Any) -> Any:
    """The result of the hook. Raises what the hook raises, but RuntimeError if it was cancelled and its caller was not.

    A hook raises CancelledError if it waits for a task that was cancelled. This would end the caller's task, too, and
    its framework does not start a second task that listens.
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
    except asyncio.CancelledError:  # the caller is cancelled
        task.cancel()
        await asyncio.wait({task})
        raise
    if task.cancelled():
        raise RuntimeError("the hook has raised CancelledError")
    return task.result()

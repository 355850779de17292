#!/usr/bin/env python3
"""The runner of the Python client. Argument: async, for its asyncio form; installed, for the module where Python finds it."""

import asyncio
import base64
import io
import json
import os
import platform
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if "installed" not in sys.argv:
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    sys.path.insert(0, os.path.join(root, "src", "clients", "python"))

import pipeforkas  # noqa: E402
from output import Output  # noqa: E402

OUTCOMES = {
    pipeforkas.JobError: "failed",
    pipeforkas.ReplyCutShortError: "cut-short",
    pipeforkas.ProtocolError: "violation",
    pipeforkas.UnreachableError: "connection",
    pipeforkas.UntrustedDaemonError: "untrusted",
    pipeforkas.RequestError: "request",
    pipeforkas.OutputTooLargeError: "too-much",
    pipeforkas.StreamError: "input",
    pipeforkas.CancelledError: "cancelled",
    asyncio.CancelledError: "cancelled",
}
CHUNK = 256 * 1024


def pieces_of(content, fails):
    """Yields the bytes that a case describes, in pieces; fails after them if the case says so."""
    if "text" in content:
        yield content["text"].encode()
    elif "base64" in content:
        yield base64.b64decode(content["base64"])
    else:
        unit = content["pattern"].encode()
        block, left = unit * max(1, CHUNK // len(unit)), content["bytes"]
        while left > 0:
            yield block[:left]
            left -= len(block[:left])
    if fails:
        raise OSError("the source of the input failed")


async def pieces_of_async(content, fails):
    for piece in pieces_of(content, fails):
        await asyncio.sleep(0)
        yield piece


def input_of(call, is_async):
    """Returns the input in one of the forms that the client takes."""
    content = call.get("input")
    if content is None:
        return None
    if call.get("inputFails") or "pattern" in content:
        return (pieces_of_async if is_async else pieces_of)(content, call.get("inputFails"))
    whole = b"".join(pieces_of(content, False))
    return io.BytesIO(whole) if len(whole) % 2 else whole


def options_of(call, *names):
    """Returns the arguments for a function of the client."""
    options = {name: call[name] for name in names if name in call}
    options["socket"] = call["socket"]
    if "daemonUid" in call:
        options["daemon_uid"] = None if call["daemonUid"] == "any" else call["daemonUid"]
    return options


def end_of(result):
    error = None if result.error is None else {
        "type": result.error.type, "message": result.error.message, "errno": result.error.errno}
    return {"code": result.code, "exit": result.exit_code, "signal": result.signal, "message": result.message, "error": error,
            "job": result.job, "user": result.user, "uid": result.uid}


def outputs_of(result):
    return {"stdout": Output(result.stdout).report(), "stderr": Output(result.stderr).report()}


RUN = ("user", "args", "env", "timeout")


def run(call):
    result = pipeforkas.run(
        call["job"], input=input_of(call, False), check=call.get("throws", False), **options_of(call, *RUN, "limit"))
    return {"outcome": "result", **end_of(result), **outputs_of(result)}


async def run_async(call):
    result = await pipeforkas.run_async(
        call["job"], input=input_of(call, True), check=call.get("throws", False), **options_of(call, *RUN, "limit"))
    return {"outcome": "result", **end_of(result), **outputs_of(result)}


def stream(call, outputs):
    with pipeforkas.open(call["job"], input=input_of(call, False), **options_of(call, *RUN)) as job:
        paused = False
        if call.get("cancelAfter") == 0:
            job.cancel()
        for name, piece in job:
            outputs[name].add(piece)
            count = outputs["stdout"].bytes
            if count >= call.get("leaveAfter", count + 1):
                return {"outcome": "cancelled"}
            if count >= call.get("cancelAfter", count + 1):
                job.cancel()
            if count >= call.get("pauseAfter", count + 1) and not paused:
                paused = True
                time.sleep(call["pause"])
        return {"outcome": "result", **end_of(job.wait())}


async def stream_async(call, outputs):
    task = asyncio.ensure_future(stream_in_task(call, outputs))
    call["cancel"] = task.cancel
    if call.get("cancelAfter") == 0:
        asyncio.get_running_loop().call_later(0.1, task.cancel)
    return await task


async def stream_in_task(call, outputs):
    job = await pipeforkas.open_async(call["job"], input=input_of(call, True), **options_of(call, *RUN))
    async with job:
        paused = False
        async for name, piece in job:
            outputs[name].add(piece)
            count = outputs["stdout"].bytes
            if count >= call.get("leaveAfter", count + 1):
                return {"outcome": "cancelled"}
            if count >= call.get("cancelAfter", count + 1):
                call["cancel"]()
            if count >= call.get("pauseAfter", count + 1) and not paused:
                paused = True
                await asyncio.sleep(call["pause"])
        return {"outcome": "result", **end_of(await job.wait())}


def ask(call, suffix):
    """Calls another operation; returns its value, or what gives it."""
    if call["call"] == "sign-in":
        return getattr(pipeforkas, "sign_in" + suffix)(call["user"], call["password"], **options_of(call))
    names = {"list": (), "describe": ("job",), "check": ("job", *RUN, "caller"), "status": (), "cancel": ("id",)}[call["call"]]
    function = getattr(pipeforkas, {"list": "list_jobs"}.get(call["call"], call["call"]) + suffix)
    options = options_of(call, *names)
    first = [options.pop(names[0])] if names else []
    return function(*first, **options)


async def answer_async(call, outputs):
    if call["call"] == "run":
        return await run_async(call)
    if call["call"] == "stream":
        return await stream_async(call, outputs)
    return {"outcome": "result", "value": await ask(call, "_async")}


def answer(call, outputs):
    if call["call"] == "run":
        return run(call)
    if call["call"] == "stream":
        return stream(call, outputs)
    return {"outcome": "result", "value": ask(call, "")}


def play(call, is_async):
    outputs = {"stdout": Output(), "stderr": Output()}
    try:
        report = asyncio.run(answer_async(call, outputs)) if is_async else answer(call, outputs)
    except tuple(OUTCOMES) as failure:
        report = {"outcome": OUTCOMES[type(failure)], "shown": str(failure)}
        if isinstance(failure, pipeforkas.JobError):
            report.update(end_of(failure.result))
            if call["call"] == "run":
                report.update(outputs_of(failure.result))
    if call["call"] == "stream":
        report.update({name: output.report() for name, output in outputs.items()})
    return {"case": call["case"], **report}


def main():
    is_async = "async" in sys.argv
    for line in sys.stdin:
        call = json.loads(line)
        if call["call"] == "about":
            versions = {"client": f"pipeforkas {pipeforkas.__version__}{' (asyncio)' if is_async else ''}",
                        "runtime": f"{platform.python_implementation()} {platform.python_version()}"}
            print(json.dumps(versions), flush=True)
        else:
            print(json.dumps(play(call, is_async)), flush=True)


main()

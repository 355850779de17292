#!/usr/bin/env python3
"""Tests of the Python client for what the cases of the conformance suite do not reach: its files, its threads, its event loop.

    python3 -m unittest discover -s tests/clients/python
"""

import ast
import asyncio
import contextlib
import io
import os
import pickle
import re
import signal
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "src", "clients", "python"), os.path.dirname(HERE)]

import fake_daemon  # noqa: E402
import pipeforkas  # noqa: E402

OK = {"end": {"code": "ok", "exit": 0}}
ANY = {"request": None}
MINE = os.geteuid()


class FakeDaemonTest(unittest.TestCase):
    """A test with a fake daemon that serves one connection with a script."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="pipeforkas-test-")
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "fake.sock")
        self.options = {"socket": self.path, "daemon_uid": MINE}

    @contextlib.contextmanager
    def daemon(self, *script, **members):
        """Serves; at the end the script must have come to its end without a problem."""
        stop_read, stop_write = os.pipe()
        ready, report = threading.Event(), {}
        case = {"script": list(script), **members}
        thread = threading.Thread(target=lambda: report.update(fake_daemon.serve(self.path, case, ready.set, stop_read)))
        thread.start()
        self.assertTrue(ready.wait(30))
        try:
            yield report
        finally:
            os.close(stop_write)
            thread.join(60)
            os.close(stop_read)
        self.assertFalse(thread.is_alive())
        self.assertIsNone(report["problem"])


class FileTests(FakeDaemonTest):
    def test_the_outputs_of_a_job_are_files(self):
        with self.daemon(ANY, {"out": {"text": "one\ntw"}}, {"err": {"text": "bad\n"}}, {"out": {"text": "o\nthree"}}, OK):
            with pipeforkas.open("id", **self.options) as job:
                self.assertEqual(b"one\n", job.stdout.readline())
                self.assertEqual(["two\n", "three"], list(io.TextIOWrapper(job.stdout)))
                self.assertEqual(b"bad\n", job.stderr.read())
                self.assertEqual("ok", job.wait().code)

    def test_standard_error_can_be_read_first(self):
        with self.daemon(ANY, {"out": {"text": "out"}}, {"err": {"text": "err"}}, {"out": {"text": "put"}}, OK):
            with pipeforkas.open("id", **self.options) as job:
                self.assertEqual(b"err", job.stderr.read())
                self.assertEqual([("stdout", b"output")], list(job))

    def test_one_output_is_kept_within_the_limit_while_the_other_one_is_read(self):
        with self.daemon(ANY, {"flood": 2, "bytes": 1 << 20, "frame": 4096}, OK):
            with pipeforkas.open("id", limit=65536, **self.options) as job:
                with self.assertRaises(pipeforkas.OutputTooLargeError) as raised:
                    job.stdout.read()
                self.assertEqual(("stderr", 65536), (raised.exception.stream, raised.exception.limit))

    def test_a_line_and_a_read_to_the_end_have_at_most_the_limit(self):
        reads = {
            "readline": lambda file: file.readline(), "loop": list, "read": lambda file: file.read(),
            "text": lambda file: io.TextIOWrapper(file).read(), "readlines": lambda file: file.readlines(),
        }
        for name, read in reads.items():
            with self.subTest(name), self.daemon(ANY, {"flood": 1, "bytes": 1 << 28, "frame": 65536}, {"open": True}):
                with pipeforkas.open("id", limit=100000, **self.options) as job:
                    with self.assertRaises(pipeforkas.OutputTooLargeError) as raised:
                        read(job.stdout)
                    self.assertEqual(("stdout", 100000), (raised.exception.stream, raised.exception.limit))
                    with self.assertRaises(pipeforkas.CancelledError):
                        job.wait()
            os.unlink(self.path)

    def test_what_has_exactly_the_limit_is_read(self):
        for read in (lambda file: file.readline(), lambda file: file.read(), lambda file: file.read(1 << 20)):
            with self.daemon(ANY, {"out": {"text": "1234\n"}}, OK), pipeforkas.open("id", limit=5, **self.options) as job:
                self.assertEqual((b"1234\n", b""), (read(job.stdout), job.stdout.readline()))
            os.unlink(self.path)
        with self.daemon(ANY, {"out": {"text": "x\n"}}, OK), pipeforkas.open("id", limit=1 << 63, **self.options) as job:
            self.assertEqual(b"x\n", job.stdout.readline())

    def test_what_is_kept_of_single_bytes_needs_little_more_memory_than_they_have(self):
        single = fake_daemon.header(2, 1) + b"x"
        reply = pipeforkas._Reply(None, None, 1 << 20)
        for _ in range(1 << 8):
            reply.take(single * (1 << 12))
            self.assertIsNone(reply.next_of(1))
        self.assertLess(sys.getsizeof(reply._kept[2]), 3 << 20)
        self.assertEqual((2, b"x" * (1 << 20)), reply.next_piece())

    def test_a_reply_that_breaks_off_is_not_the_end_of_a_file(self):
        with self.daemon(ANY, {"out": {"text": "half"}}):
            with pipeforkas.open("id", **self.options) as job:
                self.assertEqual(b"half", job.stdout.read(4))
                with self.assertRaises(pipeforkas.ReplyCutShortError):
                    job.stdout.read()
                self.assertIsNone(job.result)

    def test_with_check_the_end_of_the_output_of_a_failed_job_is_an_error(self):
        with self.daemon(ANY, {"out": {"text": "x"}}, {"err": {"text": "why\n"}}, {"end": {"code": "failed", "exit": 4, "message": "m"}}):
            with pipeforkas.open("id", check=True, **self.options) as job:
                with self.assertRaises(pipeforkas.JobError) as raised:
                    job.stdout.read()
        self.assertEqual((4, b"why\n"), (raised.exception.exit_code, raised.exception.stderr))
        self.assertIn("it wrote to standard error: why", str(raised.exception))

    def test_the_program_writes_and_reads_in_turn(self):
        with self.daemon(ANY, {"read": 4}, {"out": {"text": "1\n"}}, {"read": 4}, {"out": {"text": "2\n"}}, {"input": {"text": ""}}, OK):
            with pipeforkas.open("cat", input=pipeforkas.PIPE, **self.options) as job:
                self.assertEqual(4, job.stdin.write(b"one\n"))
                self.assertEqual(b"1\n", job.stdout.readline())
                job.stdin.write(bytearray(b"two\n"))
                self.assertEqual(b"2\n", job.stdout.readline())
                job.stdin.close()
                self.assertEqual(b"", job.stdout.read())
                self.assertRaises(ValueError, job.stdin.write, b"more")

    def test_a_job_starts_before_the_program_reads(self):
        received = threading.Event()
        with self.daemon({"request": {"job": "id"}}, {"gone": True}):
            with pipeforkas.open("id", **self.options):
                received.wait(0.2)

    def test_a_write_to_a_job_that_has_ended_is_a_broken_pipe(self):
        with self.daemon(ANY, OK):
            with pipeforkas.open("cat", input=pipeforkas.PIPE, **self.options) as job:
                self.assertEqual("ok", job.wait().code)
                with self.assertRaises(BrokenPipeError):
                    while True:
                        job.stdin.write(b"x" * 65536)

    def test_a_broken_pipe_ends_no_program_that_has_the_default_for_SIGPIPE(self):
        before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGPIPE, before)
        with self.daemon(ANY, {"pause": 0.1}, OK):
            self.assertTrue(pipeforkas.run("cat", input=b"x" * (1 << 24), **self.options).ok)


class OutputTests(FakeDaemonTest):
    def test_outputs_go_to_files_while_the_job_runs(self):
        out = io.BytesIO()
        with self.daemon(ANY, {"out": {"text": "a"}}, {"err": {"text": "b"}}, {"out": {"text": "c"}}, OK):
            done = pipeforkas.run("id", stdout=out, stderr=pipeforkas.DEVNULL, limit=0, **self.options)
        self.assertEqual((b"ac", b"", b""), (out.getvalue(), done.stdout, done.stderr))

    def test_a_raw_file_gets_all_bytes(self):
        with self.daemon(ANY, {"out": {"pattern": "abc", "bytes": 1000000}}, OK):
            with io.FileIO(os.path.join(self.folder.name, "out"), "w") as out:
                pipeforkas.run("id", stdout=out, **self.options)
        with open(os.path.join(self.folder.name, "out"), "rb") as out:
            self.assertEqual((b"abc" * 333334)[:1000000], out.read())

    def test_a_file_that_fails_cancels_the_job(self):
        class Full(io.RawIOBase):
            def writable(self):
                return True

            def write(self, _):
                raise OSError(28, "No space left on device")

        with self.daemon(ANY, {"out": {"text": "a"}}, {"gone": True}):
            with self.assertRaises(pipeforkas.StreamError) as raised:
                pipeforkas.run("id", stdout=Full(), **self.options)
        self.assertEqual("stdout", raised.exception.stream)
        self.assertIsInstance(raised.exception.__cause__, OSError)

    def test_text_is_decoded_as_a_whole(self):
        with self.daemon(ANY, {"out": {"base64": "4pg="}}, {"out": {"base64": "gw=="}}, OK):
            self.assertEqual("☃", pipeforkas.run("id", text=True, **self.options).stdout)

    def test_text_of_another_encoding(self):
        with self.daemon(ANY, {"out": {"base64": "/w=="}}, {"err": {"base64": "/w=="}}, OK):
            done = pipeforkas.run("id", text=True, encoding="latin-1", **self.options)
        self.assertEqual(("ÿ", "ÿ"), (done.stdout, done.stderr))

    def test_returncode_is_that_of_subprocess(self):
        with self.daemon(ANY, {"end": {"code": "signaled", "signal": 9, "message": "m"}}):
            done = pipeforkas.run("id", **self.options)
        self.assertEqual((-9, None, 9), (done.returncode, done.exit_code, done.signal))
        with self.assertRaises(pipeforkas.JobError):
            done.check_returncode()


class InputTests(FakeDaemonTest):
    def test_a_pipe_is_read_only_when_bytes_are_there(self):
        read_end, write_end = os.pipe()
        with self.daemon(ANY, {"read": 3}, {"out": {"text": "enough"}}, OK):
            with io.FileIO(read_end) as source:
                os.write(write_end, b"one")
                # The pipe stays open and silent; the job ends, and so does the call.
                self.assertEqual(b"enough", pipeforkas.run("cat", input=source, **self.options).stdout)
                os.write(write_end, b"two")
                self.assertEqual(b"two", source.read(3))
        os.close(write_end)

    def test_a_buffered_pipe_is_read_to_its_end(self):
        read_end, write_end = os.pipe()
        os.write(write_end, b"one\ntwo\n")
        os.close(write_end)
        with self.daemon(ANY, {"input": {"text": "two\n"}}, OK), open(read_end, "rb") as source:
            self.assertEqual(b"one\n", source.readline())
            self.assertTrue(pipeforkas.run("cat", input=source, **self.options).ok)

    def test_a_file_is_read_from_its_position(self):
        with self.daemon(ANY, {"input": {"text": "two\n"}}, OK), tempfile.TemporaryFile() as source:
            source.write(b"one\ntwo\n")
            source.seek(0)
            source.readline()
            self.assertTrue(pipeforkas.run("cat", input=source, **self.options).ok)

    def test_pieces_without_bytes_are_not_the_end_of_an_iterable(self):
        with self.daemon(ANY, {"input": {"text": "ab"}}, OK):
            self.assertTrue(pipeforkas.run("cat", input=[b"", b"a", b"", b"b", b""], **self.options).ok)

    def test_text_in_an_iterable_is_an_error_of_the_input(self):
        with self.daemon(ANY, {"gone": True}):
            with self.assertRaises(pipeforkas.StreamError) as raised:
                pipeforkas.run("cat", input=["text"], **self.options)
        self.assertIsInstance(raised.exception.__cause__, TypeError)

    def test_an_input_of_another_type_is_refused_before_anything_is_sent(self):
        for wrong in (7, 1.5, object()):
            self.assertRaises(TypeError, pipeforkas.run, "cat", input=wrong, **self.options)


class RequestTests(FakeDaemonTest):
    def test_the_environment_names_the_socket(self):
        os.environ[pipeforkas.SOCKET_VARIABLE] = self.path
        self.addCleanup(os.environ.pop, pipeforkas.SOCKET_VARIABLE)
        with self.daemon(ANY, OK):
            self.assertTrue(pipeforkas.run("id", daemon_uid=MINE).ok)

    def test_bytes_in_arguments_become_base64(self):
        with self.daemon({"request": {"job": "j", "args": {"p": "/w==", "list": ["AA=="]}, "user": "7"}}, OK):
            self.assertTrue(pipeforkas.run("j", user=7, args={"p": b"\xff", "list": [bytearray(1)]}, **self.options).ok)

    def test_what_cannot_be_a_request_is_not_sent(self):
        loop = {}
        loop["loop"] = loop
        wrong = [
            {"args": {"n": float("nan")}}, {"args": {"o": object()}}, {"args": [1]}, {"args": loop}, {"args": {"s": "\ud800"}},
            {"args": {"s": "x" * 65536}}, {"env": {"A": 1}}, {"timeout": True}, {"timeout": -1}, {"timeout": float("inf")},
            {"timeout": 10 ** 400}, {"timeout": "1"}, {"user": ""}, {"user": -1}, {"user": True},
        ]
        for members in wrong:
            with self.subTest(members=str(members)[:60]), self.assertRaises(pipeforkas.RequestError):
                pipeforkas.run("j", **members, **self.options)
        for job in (None, "", "-x", "a/b", "x" * 65, "a\n", 7):
            with self.subTest(job=job), self.assertRaises(pipeforkas.RequestError):
                pipeforkas.run(job, **self.options)
        for number in (0, -1, True, "1", 1 << 63):
            with self.subTest(id=number), self.assertRaises(pipeforkas.RequestError):
                pipeforkas.cancel(number, **self.options)

    def test_a_path_that_cannot_be_a_socket_is_unreachable(self):
        for path in ("/" + "x" * 200, "/a\0b", "\0abstract"):
            with self.subTest(path=path), self.assertRaises(pipeforkas.UnreachableError):
                pipeforkas.run("id", socket=path)

    def test_errors_survive_pickling(self):
        with self.daemon(ANY, {"err": {"text": "e"}}, {"end": {"code": "failed", "exit": 3, "message": "m"}}):
            with self.assertRaises(pipeforkas.JobError) as raised:
                pipeforkas.run("id", check=True, **self.options)
        failures = [
            raised.exception, pipeforkas.UnreachableError("/s", 2, "p"), pipeforkas.UntrustedDaemonError("/s", 1, 0),
            pipeforkas.ReplyCutShortError(5), pipeforkas.ProtocolError(5, "p"), pipeforkas.OutputTooLargeError("stdout", 5),
            pipeforkas.StreamError("stdin", "p"), pipeforkas.CancelledError(), pipeforkas.RequestError("p")]
        for failure in failures:
            copy = pickle.loads(pickle.dumps(failure))
            self.assertEqual((type(failure), str(failure), vars(failure)), (type(copy), str(copy), vars(copy)))


class ThreadTests(FakeDaemonTest):
    def test_another_thread_cancels_a_read_that_waits(self):
        with self.daemon(ANY, {"out": {"text": "x"}}, {"gone": True}):
            with pipeforkas.open("id", **self.options) as job:
                self.assertEqual(b"x", job.stdout.read(1))
                timer = threading.Timer(0.2, job.cancel)
                timer.start()
                with self.assertRaises(pipeforkas.CancelledError):
                    job.stdout.read(1)
                timer.join()
                self.assertRaises(pipeforkas.CancelledError, job.wait)

    def test_another_thread_closes_a_job_that_waits(self):
        with self.daemon(ANY, {"gone": True}):
            job = pipeforkas.open("id", **self.options)
            timer = threading.Timer(0.2, job.close)
            timer.start()
            self.assertRaises(pipeforkas.CancelledError, job.wait)
            timer.join()

    def test_two_threads_read_the_two_outputs(self):
        with self.daemon(ANY, *[{"out": {"text": "o" * 1000}}, {"err": {"text": "e" * 1000}}] * 100, OK):
            with pipeforkas.open("id", **self.options) as job:
                found = {}
                threads = [threading.Thread(target=lambda name: found.update({name: getattr(job, name).read()}), args=(name,))
                           for name in ("stdout", "stderr")]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(60)
                self.assertEqual({"stdout": b"o" * 100000, "stderr": b"e" * 100000}, found)

    def test_one_thread_writes_while_another_one_reads(self):
        with self.daemon(ANY, {"read": 1 << 22}, {"out": {"pattern": "y", "bytes": 1 << 22}}, {"input": {"text": ""}}, OK):
            with pipeforkas.open("cat", input=pipeforkas.PIPE, **self.options) as job:
                def write():
                    job.stdin.write(b"x" * (1 << 22))
                    job.stdin.close()

                writer = threading.Thread(target=write)
                writer.start()
                self.assertEqual(1 << 22, len(job.stdout.read()))
                writer.join(60)

    def test_an_interruption_cancels_the_job(self):
        def interrupt(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        with self.daemon(ANY, {"gone": True}):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            self.assertRaises(KeyboardInterrupt, pipeforkas.run, "id", **self.options)

    def test_no_descriptor_stays_open(self):
        before = os.listdir("/proc/self/fd")
        for script in ([ANY, OK], [ANY], [ANY, {"send": {"text": "text reply"}}], [ANY, {"header": [1, 1 << 31]}]):
            with self.daemon(*script), contextlib.suppress(pipeforkas.PipeForkAsError):
                pipeforkas.run("id", input=b"x", **self.options)
            os.unlink(self.path)
            with self.daemon(*script), contextlib.suppress(pipeforkas.PipeForkAsError):
                asyncio.run(pipeforkas.run_async("id", input=b"x", **self.options))
            os.unlink(self.path)
        self.assertEqual(len(before), len(os.listdir("/proc/self/fd")))


class AsyncTests(FakeDaemonTest):
    def test_lines_come_while_the_job_runs(self):
        async def use():
            async with await pipeforkas.open_async("cat", input=pipeforkas.PIPE, **self.options) as job:
                await job.stdin.write(b"one\n")
                self.assertEqual(b"1\n", await job.stdout.readline())
                await job.stdin.write(b"two\n")
                job.stdin.close()
                with self.assertRaises(ValueError):
                    await job.stdin.write(b"more")
                self.assertEqual([b"2\n", b"3"], [line async for line in job.stdout])
                self.assertEqual(b"bad", await job.stderr.read())
                self.assertEqual("ok", (await job.wait()).code)

        with self.daemon(ANY, {"read": 4}, {"out": {"text": "1\n"}}, {"err": {"text": "bad"}}, {"read": 4}, {"out": {"text": "2\n3"}}, OK):
            asyncio.run(use())

    def test_other_tasks_run_while_a_job_is_silent_and_while_it_floods(self):
        async def use():
            turns = 0

            async def count():
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            counter = asyncio.ensure_future(count())
            await pipeforkas.run_async("id", stdout=pipeforkas.DEVNULL, **self.options)
            counter.cancel()
            return turns

        with self.daemon(ANY, {"pause": 0.2}, {"flood": 1, "bytes": 1 << 26, "frame": 65536}, OK):
            self.assertGreater(asyncio.run(use()), 100)

    def test_a_read_that_times_out_loses_nothing(self):
        async def use():
            async with await pipeforkas.open_async("id", **self.options) as job:
                for _ in range(5):
                    with self.assertRaises(asyncio.TimeoutError):
                        await asyncio.wait_for(job.stdout.read(100), 0.01)
                return await job.stdout.read()

        with self.daemon(ANY, {"pause": 0.5}, {"out": {"text": "whole"}}, OK):
            self.assertEqual(b"whole", asyncio.run(use()))

    def test_cancelling_the_task_closes_the_connection(self):
        async def use():
            task = asyncio.ensure_future(pipeforkas.run_async("id", input=b"x" * (1 << 24), **self.options))
            await asyncio.sleep(0.2)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        with self.daemon(ANY, {"gone": True}):
            asyncio.run(use())

    def test_cancel_ends_a_read_of_another_task(self):
        async def use():
            async with await pipeforkas.open_async("id", **self.options) as job:
                asyncio.get_running_loop().call_later(0.2, job.cancel)
                with self.assertRaises(pipeforkas.CancelledError):
                    await job.stdout.read()

        with self.daemon(ANY, {"out": {"text": "x"}}, {"gone": True}):
            asyncio.run(use())

    def test_an_asynchronous_iterable_a_pipe_and_a_file_are_inputs(self):
        async def pieces():
            for piece in (b"one", b"", b"two"):
                await asyncio.sleep(0)
                yield piece

        async def use(source):
            return await pipeforkas.run_async("cat", input=source, **self.options)

        read_end, write_end = os.pipe()
        os.write(write_end, b"onetwo")
        os.close(write_end)
        with tempfile.TemporaryFile() as file, open(read_end, "rb") as pipe:
            file.write(b"onetwo")
            file.seek(0)
            for source in (pieces(), pipe, file, io.BytesIO(b"onetwo"), [b"one", b"two"], "onetwo"):
                with self.daemon(ANY, {"input": {"text": "onetwo"}}, OK):
                    self.assertTrue(asyncio.run(use(source)).ok)
                os.unlink(self.path)

    def test_a_silent_pipe_does_not_hold_up_the_end(self):
        async def use(source):
            return await pipeforkas.run_async("cat", input=source, **self.options)

        read_end, write_end = os.pipe()
        with self.daemon(ANY, OK), open(read_end, "rb") as source:
            self.assertTrue(asyncio.run(use(source)).ok)
        os.close(write_end)

    def test_a_line_without_end_is_bounded(self):
        async def use():
            async with await pipeforkas.open_async("id", limit=100000, **self.options) as job:
                with self.assertRaises(pipeforkas.OutputTooLargeError):
                    await job.stdout.readline()

        with self.daemon(ANY, {"flood": 1, "bytes": 1 << 24, "frame": 65536}):
            asyncio.run(use())

    def test_many_jobs_run_at_once(self):
        async def use():
            jobs = [pipeforkas.run_async("id", **self.options) for _ in range(3)]
            return await asyncio.gather(*jobs, return_exceptions=True)

        # The fake daemon serves the first connection, and closes the others.
        with self.daemon(ANY, {"out": {"text": "x"}}, OK):
            ends = asyncio.run(use())
        self.assertEqual([1, 2], [sum(isinstance(end, kind) for end in ends)
                                  for kind in (pipeforkas.CompletedJob, pipeforkas.ReplyCutShortError)])


class SourceTests(unittest.TestCase):
    def test_the_source_has_the_syntax_of_the_oldest_version(self):
        with open(os.path.join(os.path.dirname(pipeforkas.__file__), os.pardir, "pyproject.toml"), encoding="utf-8") as file:
            oldest = re.search(r'requires-python = ">= ([0-9]+)\.([0-9]+)"', file.read())
        with open(pipeforkas.__file__, encoding="utf-8") as file:
            ast.parse(file.read(), feature_version=(int(oldest[1]), int(oldest[2])))


class ReplyTests(unittest.TestCase):
    def test_texts_of_errors_are_one_harmless_line(self):
        text = str(pipeforkas.ProtocolError(1, "a\nb\x1b[31m\u202e\ud800\U000e0001" + "x" * 1000))
        self.assertIn("a\\nb\\u001b[31m\\u202e\\ud800\\U000e0001xxx", text)
        self.assertTrue(text.endswith("...") and len(text) < 1000 and text.isprintable())

    def test_every_split_of_a_reply_gives_the_same(self):
        reply = b"".join(piece for step in ({"out": {"text": "ab"}}, {"err": {"text": ""}}, {"err": {"text": "c"}}, OK)
                         for piece in fake_daemon.replies_of(step))
        for first in range(len(reply) + 1):
            parser = pipeforkas._Parser()
            pieces = parser.feed(reply[:first]) + parser.feed(reply[first:])
            self.assertEqual((b"ab", b"c"), tuple(b"".join(piece for kind, piece in pieces if kind == wanted) for wanted in (1, 2)))
            self.assertTrue(parser.end.ok)

    def test_random_bytes_are_a_reply_or_an_error_of_the_protocol(self):
        import random
        generator = random.Random(20261129)
        for _ in range(5000):
            parser, reply = pipeforkas._Parser(), bytearray()
            for _ in range(generator.randrange(4)):
                content = generator.choice([b"", b"x", b"{}", b'{"code":"ok"}', b'{"code":"ok","exit":1e9}', generator.randbytes(9)])
                reply += fake_daemon.header(generator.choice([1, 2, 16, 16, 17]), len(content)) + content
            if reply and generator.random() < 0.5:
                reply[generator.randrange(len(reply))] = generator.randrange(256)
            with contextlib.suppress(pipeforkas.ProtocolError):
                for start in range(0, len(reply), 5):
                    parser.feed(bytes(reply[start:start + 5]))


SSH = """#!/usr/bin/env python3
import os, socket, sys, threading
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "arguments"), "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
status, words = os.environ.get("SSH_STATUS"), os.environ.get("SSH_WORDS", "")
os.write(2, words.encode())
if status:
    sys.exit(int(status))
reply = bytes([1, 0, 0, 0, 0, 0, 0, 5]) + b"first"
os.write(1, reply)
if os.environ.get("SSH_CUT"):
    os.write(2, b"broken pipe")
    sys.exit(255)
while b"\\n" not in os.read(0, 65536):
    pass
if os.environ.get("SSH_WAIT"):
    threading.Event().wait()
end = b'{"code":"ok","exit":0}'
os.write(1, bytes([16, 0, 0, 0]) + len(end).to_bytes(4, "big") + end)
"""


class RemoteTests(unittest.TestCase):
    """With a script in place of ssh, which notes its arguments and replies itself."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pipeforkas-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        path = os.path.join(folder.name, "ssh")
        with open(path, "w", encoding="ascii") as file:
            file.write(SSH)
        os.chmod(path, 0o755)
        self.set("PATH", folder.name + ":" + os.environ["PATH"])

    def set(self, name, value):
        former = os.environ.get(name)
        os.environ[name] = value
        self.addCleanup(lambda: os.environ.pop(name) if former is None else os.environ.__setitem__(name, former))

    def arguments(self):
        with open(os.path.join(self.folder, "arguments"), encoding="ascii") as file:
            return file.read().splitlines()

    def test_ssh_gets_the_host_after_two_dashes_and_never_asks(self):
        for address, words in (
                ("ssh://host", "-T -e none -o BatchMode=yes -- host pipeforkas dial"),
                ("ssh://a@b@host:22", "-p 22 -l a@b -T -e none -o BatchMode=yes -- host pipeforkas dial"),
                ("ssh://[fe80::1%eth0]/run/a.sock", "-T -e none -o BatchMode=yes -- fe80::1%eth0 pipeforkas dial --socket=/run/a.sock")):
            self.assertEqual(b"first", pipeforkas.run("id", socket=address).stdout)
            self.assertEqual(words, self.arguments()[-1])
        self.set("PIPEFORKAS_HOST", "alice@host")
        self.assertEqual(b"first", asyncio.run(pipeforkas.run_async("id", daemon_uid=None)).stdout)
        self.assertEqual("-l alice -T -e none -o BatchMode=yes -- host pipeforkas dial --daemon-uid=any", self.arguments()[-1])

    def test_what_is_not_a_host_is_refused_before_ssh_starts(self):
        for host in ("-oProxyCommand=x", "a@-x", "-l@h", "@h", "a@", "", "a b", "h;id", "a`id`@h", "h\x1b[2J", "h\n", "h\xf6st", "h:0",
                     "h:65536", "h:+1", "::1", "[h]", "[::1]x", "h/$(id)"):
            with self.assertRaises(pipeforkas.RequestError) as caught:
                pipeforkas.run("id", socket="ssh://" + host)
            self.assertTrue(str(caught.exception).isprintable())
        self.assertFalse(os.path.exists(os.path.join(self.folder, "arguments")))

    def test_a_failure_says_on_which_side_it_arose(self):
        self.set("SSH_WORDS", "pipeforkas: why\x1b[2J\nthere")
        for status, beginning in ((255, "ssh to h failed: why\\u001b[2J; there"), (127, "there is no command pipeforkas on h: why"),
                                  (125, "the command pipeforkas on h is too old"), (69, "on h: why"), (77, "on h: why"),
                                  (3, "pipeforkas dial on h ended with status 3: why")):
            self.set("SSH_STATUS", str(status))
            for call in (lambda: pipeforkas.run("id", socket="ssh://h"),
                         lambda: asyncio.run(pipeforkas.run_async("id", socket="ssh://h"))):
                with self.assertRaises(pipeforkas.RemoteHostError) as caught:
                    call()
                self.assertEqual(status, caught.exception.status)
                self.assertTrue(str(caught.exception).startswith(beginning), str(caught.exception))
                self.assertTrue(str(pickle.loads(pickle.dumps(caught.exception))).startswith(beginning))

    def test_a_reply_that_is_cut_short_has_the_words_of_ssh(self):
        self.set("SSH_CUT", "1")
        with self.assertRaisesRegex(pipeforkas.ReplyCutShortError, "after 13 bytes.*ssh to h failed: broken pipe"):
            pipeforkas.run("id", socket="ssh://h")

    def test_a_machine_without_ssh_says_so(self):
        self.set("PATH", "/nowhere")
        with self.assertRaisesRegex(pipeforkas.RemoteHostError, "install openssh-client"):
            pipeforkas.run("id", socket="ssh://h")

    def test_a_host_has_a_bounded_number_of_sessions_and_a_closed_or_forgotten_job_frees_one(self):
        self.set("SSH_WAIT", "1")
        jobs = [pipeforkas.open("id", socket="ssh://bounded") for _ in range(pipeforkas.SSH_SESSIONS)]
        for job in jobs:
            self.assertEqual(b"first", job.stdout.read(5))
        started = threading.Event()

        def start():
            with pipeforkas.open("id", socket="ssh://bounded") as job:
                job.stdout.read(5)
                started.set()

        waiting = threading.Thread(target=start)
        waiting.start()
        self.assertFalse(started.wait(0.3))
        processes = [job._connection.ssh._process for job in jobs]
        jobs.pop().close()
        waiting.join(60)
        self.assertTrue(started.is_set())
        del job
        jobs.clear()
        import gc
        gc.collect()
        for process in processes:
            self.assertIsNotNone(process.wait(60))


if __name__ == "__main__":
    unittest.main()

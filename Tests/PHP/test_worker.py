"""What the PHP package in php/ promises to the server, docs/protocol.md, and to the application."""

import json
import signal
import time
import unittest

from driver import CONTROL, ERROR, Worker, control, event, frame


def write(body):
    return 0, b"WRITE", body


CONTINUE = (0, b"CONTINUE", b"")
STOP = (0, b'{"stop":true}', b"")


class Handshake(unittest.TestCase):
    def test_it_tells_its_pid_and_that_answers_may_be_gathered(self):
        with Worker() as worker:
            self.assertEqual(json.loads(worker.hello), {"pid": worker.process.pid, "answers": "batched"})

    def test_a_question_is_answered_in_its_turn(self):
        with Worker() as worker:
            worker.send(event(b"a") + control(pid=1) + event(b"", "CLOSE") + control(pid=1) + event(b"b"))
            hello = (CONTROL, b"", worker.hello)
            self.assertEqual(worker.take(5), [write(b"a"), hello, CONTINUE, hello, write(b"b")])

    def test_a_message_that_it_does_not_know_is_passed_over(self):
        with Worker() as worker:
            worker.send(control(other=1) + control(stop=False) + event(b"a"))
            self.assertEqual(worker.take(1), [write(b"a")])


class Reading(unittest.TestCase):
    def test_frames_cut_at_every_byte(self):
        frames = event(b"first") + control(pid=1) + event(b"") + event(b"last")
        with Worker() as worker:
            hello = (CONTROL, b"", worker.hello)
            for cut in range(1, len(frames)):
                worker.send(frames[:cut])
                worker.send(frames[cut:])
                self.assertEqual(worker.take(4), [write(b"first"), hello, write(b""), write(b"last")], cut)

    def test_a_frame_byte_by_byte(self):
        with Worker() as worker:
            for byte in event(b"slowly"):
                worker.send(bytes([byte]))
            self.assertEqual(worker.take(1), [write(b"slowly")])

    def test_more_frames_than_one_read_holds(self):
        bodies = [b"%d " % i + b"x" * (i * 37 % 900) for i in range(2000)]
        with Worker() as worker:
            sender = worker.send_in_background(b"".join(event(body) for body in bodies))
            self.assertEqual(worker.take(2000), [write(body) for body in bodies])
            sender.join()

    def test_large_bodies_among_small_ones(self):
        bodies = [b"a", b"length " + b"m" * (1 << 20), b"b", b"c" * 65536, b"d" * 65537, b"length " + b"m" * (32 << 20), b"e"]
        with Worker("-d", "memory_limit=80M") as worker:
            sender = worker.send_in_background(b"".join(map(event, bodies)))
            self.assertEqual(worker.take(7), [
                write(b"%d" % len(body) if body.startswith(b"length") else body) for body in bodies])
            sender.join()

    def test_a_large_answer(self):
        with Worker("-d", "memory_limit=80M") as worker:
            worker.send(event(b"a") + event(b"size 33554432") + event(b"b"))
            self.assertEqual(worker.take(3), [write(b"a"), write(b"s" * (32 << 20)), write(b"b")])

    def test_the_end_of_the_relay_ends_it(self):
        for rest in (b"", event(b"cut off")[:7], event(b"cut off")[:-1]):
            with self.subTest(rest), Worker() as worker:
                worker.send(event(b"a") + rest)
                worker.process.stdin.close()
                frames, said, code = worker.end()
                self.assertEqual((frames, said, code), ([write(b"a")], ["handles a", "left the loop"], 0))

    def test_what_is_no_frame_ends_it_after_the_events_before(self):
        good = event(b"never")
        for bad in (
            b"\x14\x00" + b"\0" * 14,  # a wrong checksum
            b"\x24" + good[1:],  # another version
            good[:3] + b"\x77" + good[4:],  # a length that the checksum does not cover
            frame(b"x", [9]),  # a context longer than the payload
            frame(b"not JSON", [8]),
            frame(b"no context at all"),
        ):
            with self.subTest(bad), Worker() as worker:
                worker.send(event(b"a") + event(b"b") + bad + good)
                frames, said, code = worker.end()
                self.assertEqual((frames, code), ([write(b"a"), write(b"b")], 255))
                self.assertIn("ProtocolException", "\n".join(said))
                self.assertEqual(worker.handled, ["a", "b"])


class Gathering(unittest.TestCase):
    def test_answers_of_events_that_came_together_come_together(self):
        # Gathered are those of handlers that take less than 50 µs: a busy machine interrupts some, but not all.
        with Worker() as worker:
            reads = 0
            for _ in range(20):
                worker.send(b"".join(event(b"quick %d" % i) for i in range(16)))
                worker.take(16)
                reads += worker.reads
            self.assertLess(reads, 320 / 2)

    def test_the_last_answer_does_not_wait(self):
        with Worker() as worker:
            worker.send(event(b"a") + event(b"answer-and-wait"))
            self.assertEqual(worker.take(2), [write(b"a"), write(b"answered")])
            # Part of the next event is not the next event.
            worker.open_gate()
            worker.send(event(b"answer-and-wait") + event(b"b")[:-1])
            self.assertEqual(worker.take(1), [write(b"answered")])
            worker.open_gate()

    def test_flush_writes_what_would_wait(self):
        with Worker() as worker:
            worker.send(event(b"a") + event(b"flush-and-wait") + event(b"b"))
            self.assertEqual(worker.take(2), [write(b"a"), write(b"flushed")])
            worker.open_gate()
            self.assertEqual(worker.take(1), [write(b"b")])

    def test_an_answer_that_took_long_does_not_wait(self):
        with Worker() as worker:
            worker.send(event(b"wait") + event(b"wait") + event(b"a"))
            worker.await_line("waits")
            time.sleep(0.001)  # It is these 20 × 50 µs that make it long.
            worker.open_gate()
            self.assertEqual(worker.take(1), [write(b"waited")])
            worker.open_gate()
            self.assertEqual(worker.take(2), [write(b"waited"), write(b"a")])

    def test_a_worker_that_is_dropped_writes_what_it_has(self):
        with Worker() as worker:
            worker.send(event(b"drop") + event(b"a"))
            self.assertEqual(worker.take(1), [write(b"dropped")])
            worker.open_gate()
            self.assertEqual(worker.end(), ([], ["handles drop", "waits"], 0))

    def test_a_forked_process_writes_nothing(self):
        with Worker() as worker:
            worker.send(event(b"a") + event(b"fork") + event(b"b"))
            self.assertEqual(worker.take(3), [write(b"a"), write(b"forked"), write(b"b")])


class OneAnswerEach(unittest.TestCase):
    def test_what_is_forgotten_is_continue(self):
        with Worker() as worker:
            worker.send(event(b"a") + event(b"forget") + event(b"forget") + event(b"", "CONNECTED") + event(b"", "CLOSE") + event(b"b"))
            self.assertEqual(worker.take(6), [write(b"a"), *[CONTINUE] * 4, write(b"b")])
            worker.process.stdin.close()
            said = "\n".join(worker.end()[1])
            self.assertEqual(said.count("was not answered"), 1, said)

    def test_an_answered_close_is_answered_once(self):
        with Worker() as worker:
            worker.send(event(b"", "CLOSE", "answered") + event(b"a"))
            self.assertEqual(worker.take(2), [CONTINUE, write(b"a")])

    def test_a_second_answer_is_refused(self):
        with Worker() as worker:
            worker.send(event(b"twice-caught") + event(b"a"))
            self.assertEqual(worker.take(2), [write(b"once"), write(b"a")])
            worker.await_line("refused")
        for body in (b"twice", b"late-error"):
            with self.subTest(body), Worker() as worker:
                worker.send(event(b"a") + event(body) + event(b"b"))
                frames, said, code = worker.end()
                self.assertEqual((frames, code), ([write(b"a"), write(b"once")], 255))
                self.assertIn("LogicException", "\n".join(said))

    def test_an_error_is_an_answer(self):
        with Worker() as worker:
            worker.send(event(b"error") + event(b"a"))
            self.assertEqual(worker.take(2), [(ERROR, b"", b"a message"), write(b"a")])


class Ending(unittest.TestCase):
    def test_stop_is_the_last_that_it_says(self):
        for body, answer in ((b"stop", STOP), (b"stop-text", (0, b'{ "stop" : true }', b""))):
            with self.subTest(body), Worker() as worker:
                worker.send(event(b"a") + event(body) + control(pid=1) + event(b"b") + event(b"c"))
                self.assertEqual(worker.end(), (
                    [write(b"a"), answer], ["handles a", f"handles {body.decode()}", "left the loop"], 0))

    def test_the_server_stops_it(self):
        with Worker() as worker:
            worker.send(event(b"a") + control(stop=True))
            self.assertEqual(worker.end(), ([write(b"a")], ["handles a", "left the loop"], 0))

    def test_answers_outlive_a_script_that_ends(self):
        for body, wanted in ((b"exit", 3), (b"throw", 255), (b"fatal", 255)):
            with self.subTest(body), Worker() as worker:
                worker.send(event(b"a") + event(b"b") + event(body) + event(b"c") + event(b"d"))
                frames, _, code = worker.end()
                self.assertEqual((frames, code), ([write(b"a"), write(b"b")], wanted))
                self.assertEqual(worker.handled, ["a", "b", body.decode()])

    def test_a_killed_worker_has_written_whole_answers_in_order(self):
        with Worker() as worker:
            worker.send(event(b"a") + event(b"b") + event(b"kill") + event(b"c"))
            frames, _, code = worker.end()
            self.assertEqual(frames, [write(b"a"), write(b"b")][:len(frames)])
            self.assertEqual((code, worker.handled), (-signal.SIGKILL, ["a", "b", "kill"]))

    def test_a_server_that_is_gone_ends_it(self):
        with Worker() as worker:
            worker.process.stdout.close()
            worker.send(event(b"a") + event(b"b"))
            worker.await_line("left the loop")


if __name__ == "__main__":
    unittest.main()

"""The examples with real clients: pymodbus, mosquitto_pub, mllp_send, smtplib, swaks; the tracker's packets are a file."""

import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import smtplib
import sys
import tempfile
import unittest

import hl7
from hl7.client import MLLPClient
from pymodbus.client import ModbusTcpClient

from served import PATIENCE, ROOT, Example

random.seed(15)


class Modbus(Example):
    directory = "examples/modbus"
    servers = ["modbus"]
    # What one worker has written another one reads.
    overrides = {"tcp.pool.num_workers": 3, "tcp.pool.max_jobs": 20}

    def modbus(self):
        return ModbusTcpClient("127.0.0.1", port=self.port, timeout=PATIENCE, retries=0)

    def test_registers(self):
        with self.modbus() as client:
            self.assertEqual(client.read_holding_registers(10, count=3, device_id=1).registers, [0, 0, 0])
            self.assertFalse(client.write_register(10, 0xABCD, device_id=1).isError())
            self.assertFalse(client.write_registers(11, [0, 65535], device_id=1).isError())
        with self.modbus() as client:
            self.assertEqual(client.read_holding_registers(9, count=5, device_id=1).registers, [0, 0xABCD, 0, 65535, 0])
            self.assertEqual(client.read_holding_registers(10, count=1, device_id=2).registers, [0])

    def test_exceptions(self):
        with self.modbus() as client:
            self.assertEqual(client.read_coils(0, count=1).exception_code, 1)
            self.assertEqual(client.read_holding_registers(9999, count=2).exception_code, 2)
            self.assertEqual(client.write_register(10000, 1).exception_code, 2)
            self.assertEqual(client.read_holding_registers(9999, count=1).registers, [0])
        # What the library itself would not send: no registers, too many, a number of bytes that is not theirs.
        for function, data in (("03", "0000 0000"), ("03", "0000 007e"), ("10", "0000 0002 03 000102"), ("06", "00")):
            request = bytes.fromhex(function + data)
            head = b"\0\7\0\0" + (len(request) + 1).to_bytes(2, "big") + b"\1"
            self.exchange(head + request, b"\0\7\0\0\0\3\1" + bytes([request[0] | 0x80, 3]))
        self.exchange(b"GET / HTTP/1.1\r\n\r\n", b"")
        self.exchange(b"\0\1\0\1\0\6\1\3\0\0\0\1", b"")

    def test_clients_at_once(self):
        def session(number):
            with self.modbus() as client:
                for step in range(6):
                    values = [random.randrange(65536) for _ in range(100)]
                    start = 1000 + 100 * number
                    self.assertFalse(client.write_registers(start, values, device_id=7).isError())
                    self.assertEqual(client.read_holding_registers(start, count=100, device_id=7).registers, values)

        with concurrent.futures.ThreadPoolExecutor(8) as executor:
            list(executor.map(session, range(8)))

    def test_requests_without_waiting(self):
        requests = [b"%c%c\0\0\0\6\5\6\0%c\r\n" % (0, i, i) for i in range(16)]
        for cuts in (1, 50, 192):
            self.exchange(b"".join(requests), b"".join(requests), cuts)


class MQTT(Example):
    directory = "examples/mqtt"
    servers = ["mqtt"]
    CONNECT = b"\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c"
    CONNACK = b"\x20\2\0\0"

    def publish(self, *options, input=None):
        return self.run_client("mosquitto_pub", "-h", "127.0.0.1", "-p", self.port, *options, input=input)

    def test_messages(self):
        for qos in (0, 1):
            said = self.publish("-i", f"thing-{qos}", "-t", "rooms/küche", "-m", "21.5 °C\r\n", "-q", qos)
            self.assertEqual(said, (0, ""))
            self.logged("a message", client=f"thing-{qos}", topic="rooms/küche", qos=str(qos), message="21.5 °C\r\n")

    def test_many_messages_in_a_connection(self):
        lines = b"".join(b"line %d %s\n" % (i, b"x" * (i * 7 % 300)) for i in range(200))
        self.assertEqual(self.publish("-i", "many", "-t", "t", "-q", 1, "-l", input=lines), (0, ""))
        messages = [line["message"] for line in self.logged("a message", 200, client="many")]
        self.assertEqual(messages, lines.decode().splitlines())

    def test_a_large_message_of_bytes_that_are_a_delimiter(self):
        self.assertEqual(self.publish("-i", "large", "-t", "t", "-q", 1, "-s", input=b"\r\n" * 5000), (0, ""))
        [line] = self.logged("a message", client="large")
        self.assertEqual(line["message"], "\r\n" * 5000)

    def test_what_is_not_taken(self):
        code, said = self.publish("-V", "mqttv5", "-t", "t", "-m", "m")
        self.assertNotEqual(code, 0)
        self.assertTrue(said)
        self.exchange(b"\x30\5\0\1tab", b"")  # before CONNECT
        self.exchange(self.CONNECT + b"\x34\7\0\1t\0\1ab", self.CONNACK)  # QoS 2
        self.exchange(self.CONNECT + b"\x32\4\0\1t\0", self.CONNACK)  # QoS 1 without a number
        self.exchange(self.CONNECT + self.CONNECT, self.CONNACK)
        self.exchange(self.CONNECT + b"\x82\6\0\1\0\1t\0", self.CONNACK)  # SUBSCRIBE
        self.exchange(self.CONNECT + b"\x30\3\0\x7ft", self.CONNACK)  # a topic longer than its packet

    def test_pings_and_the_end(self):
        for cuts in (1, 5, 99):
            self.exchange(self.CONNECT + b"\xC0\0\xC0\0\xE0\0", self.CONNACK + b"\xD0\0\xD0\0", cuts)


class Tracker(Example):
    directory = "examples/tracker"
    servers = ["gt06"]

    def test_a_session(self):
        lines = (ROOT / self.directory / "session.txt").read_text().splitlines()
        sent, answers = (b"".join(bytes.fromhex(line[1:]) for line in lines if line.startswith(sign)) for sign in "><")
        every = (1, 3, 10, 40, len(sent))
        for cuts in every:
            self.exchange(sent, answers, cuts)
        tracker = {"imei": "123456789012345"}
        self.logged("a packet", len(every), type="1", **tracker)
        self.logged("a packet", len(every), type="18", **tracker, time="2026-11-25T13:10:00Z", latitude="52.52",
                    longitude="13.405", speed="42", course="90", satellites="11")
        self.logged("a packet", len(every), type="22", **tracker, latitude="-33.8568", longitude="-70.6693", course="359")
        self.logged("a packet", len(every), type="148", **tracker, content="00342e3138560d0a78787979")
        self.logged("a packet", len(every), type="19", **tracker)
        self.logged("a wrong checksum", len(every))

    def test_what_is_no_tracker(self):
        self.exchange(b"GET / HTTP/1.1\r\n\r\n", b"")
        self.exchange(bytes.fromhex("78780a13400403000100 1115cd0d0a"), b"")  # before its login
        self.exchange(b"\x78\x78\0\r\n", b"")  # shorter than its own head and end


class HL7(Example):
    directory = "examples/hl7"
    servers = ["hl7"]

    @staticmethod
    def message(number, *segments):
        header = rf"MSH|^~\&|LAB|CLINIC|RIS|HOSPITAL|20261126||ADT^A01|{number}|P|2.5"
        return "\r".join([header, "PID|1||4711||Müller^Jürgen", *segments]) + "\r"

    def acknowledged(self, text, number, code="AA"):
        answer = hl7.parse(text.strip("\x0b\x1c\r"))
        self.assertEqual((str(answer.segment("MSA")[1]), str(answer.segment("MSA")[2])), (code, str(number)))
        self.assertEqual([str(answer.segment("MSH")[i]) for i in (3, 4, 5, 6)], ["RIS", "HOSPITAL", "LAB", "CLINIC"])
        self.assertEqual(str(answer.segment("MSH")[9]), "ACK^A01")

    def test_mllp_send(self):
        file = self.scratch / "message"
        file.write_bytes(b"\x0b" + self.message("from-a-file").encode() + b"\x1c\r")
        program = pathlib.Path(sys.executable).parent / "mllp_send"
        code, said = self.run_client(sys.executable, program, "--quiet", "--port", self.port, "--file", file, "127.0.0.1")
        self.assertEqual(code, 0)
        self.acknowledged(said.strip(), "from-a-file")
        self.logged("AA ADT^A01 from-a-file of LAB at CLINIC")

    def test_a_client_in_python(self):
        with MLLPClient("127.0.0.1", self.port) as client:
            for number in range(50):
                # Line ends alone, and FS, which begins the delimiter, are no ends.
                notes = [f"NTE|{i}||\x1c note {i}" for i in range(number * 20)]
                self.acknowledged(client.send_message(self.message(number, *notes)).decode(), number)

    def test_what_is_no_message(self):
        self.exchange(b"\x0bPID|1\r\x1c\r", b"")
        self.exchange(b"\x0b\x1c\r", b"")
        self.exchange(b"GET / HTTP/1.1\r\n\r\n", b"")
        with MLLPClient("127.0.0.1", self.port) as client:
            client.socket.sendall(b"noise")
            answer = client.send_message(r"MSH|^~\&|LAB|CLINIC|RIS|HOSPITAL|||ADT^A01")
            self.acknowledged(answer.decode(), "", "AR")


class SMTP(Example):
    directory = "."
    servers = ["smtp", "echo"]
    environment = {"SMTP_MAIL_DIR": "{}/mail"}

    def stored(self, sender):
        envelopes = (self.scratch / "mail/envelopes").glob("*.json")
        [path] = [path for path in envelopes if json.loads(path.read_text())["from"] == sender]
        return (self.scratch / "mail/new" / f"{path.stem}.eml").read_bytes()

    def test_a_mail_is_one_event(self):
        mail = b"".join(b"%076d\r\n" % i for i in range(13_444)) + b"..\r\n.\r\n"
        self.assertGreater(len(mail), 1 << 20)
        events = 'rr_tcp_events_total{server="smtp",event="DATA"}'
        before = self.metric(events)
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client", timeout=PATIENCE) as client:
            client.sendmail("one@example.org", ["you@example.org"], mail)
        # EHLO, MAIL, RCPT, DATA, the mail, QUIT.
        self.assertEqual(self.metric(events) - before, 6)
        self.assertEqual(self.stored("one@example.org"), mail)

    def test_mails_of_every_end(self):
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="client", timeout=PATIENCE) as client:
            client.ehlo()
            for number, mail in enumerate([b"", b"\r\n", b"..\r\n", b"\r\n..\r\n", b"a\r\n"]):
                sender = f"end{number}@example.org"
                for command in (f"MAIL FROM:<{sender}>", "RCPT TO:<you@example.org>"):
                    self.assertEqual(client.docmd(command)[0], 250)
                self.assertEqual(client.docmd("DATA")[0], 354)
                # The next command is behind the end already.
                client.send(mail + b".\r\nNOOP\r\n")
                self.assertEqual((client.getreply()[0], client.getreply()[0]), (250, 250))
                self.assertEqual(self.stored(sender), mail.replace(b"..", b"."))

    def test_swaks(self):
        for pipelining in ([], ["--pipeline"]):
            sender = f"swaks{len(pipelining)}@example.org"
            code, said = self.run_client(
                "swaks", "--server", f"127.0.0.1:{self.port}", "--from", sender, "--to", "a@example.org,b@example.org",
                "--header", "Subject: from swaks", "--body", "\\n.\\nlast line", *pipelining)
            self.assertEqual(code, 0, said)
            mail = self.stored(sender)
            self.assertIn(b"\r\nSubject: from swaks\r\n", mail)
            self.assertIn(b"\r\n.\r\nlast line", mail)


class SMTPByLines(SMTP):
    """Where each line of the mail would be an event."""

    overrides = {"tcp.servers.smtp.framing": "split"}


@unittest.skipUnless(os.environ.get("ROADRUNNER_PHP"), "no ROADRUNNER_PHP: examples/spiral is not tested")
class Spiral(SMTP):
    """The worker on RoadRunner's own packages, which the directory ROADRUNNER_PHP has."""

    test_a_mail_is_one_event = None

    @classmethod
    def setUpClass(cls):
        copy = tempfile.TemporaryDirectory()
        cls.addClassCleanup(copy.cleanup)
        for name in ("examples", "php"):
            shutil.copytree(ROOT / name, f"{copy.name}/{name}", ignore=shutil.ignore_patterns("vendor"))
        cls.directory = pathlib.Path(copy.name, "examples/spiral")
        cls.directory.joinpath("vendor").mkdir()
        packages = pathlib.Path(os.environ["ROADRUNNER_PHP"]).absolute()
        cls.directory.joinpath("vendor/autoload.php").write_text(f"<?php require '{packages}/vendor/autoload.php';")
        super().setUpClass()


if __name__ == "__main__":
    unittest.main()

"""TLS with clients of others: openssl, gnutls-cli, curl, PHP, smtplib, swaks, mosquitto_pub; and sslyze, which looks for faults."""

import contextlib
import importlib.util
import json
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import unittest

from served import PATIENCE, ROOT, Example, free_ports

VERSIONS = ("-tls1_2", "-tls1_3")


class Clients(Example):
    servers = ["ec", "rsa", "mutual", "starttls", "renewed"]

    @classmethod
    def prepare(cls):
        cls.certify("ec", alpn="echo")
        cls.authority.server("rsa", "rsa")
        for name in ("old", "new"):
            cls.authority.server(name)
        cls.renew("old")

        def tls(name, **settings):
            pair = {"cert": cls.authority.file(f"{name}.crt"), "key": cls.authority.file(f"{name}.key")}
            return {"addr": "", "delimiter": "\n", "tls": pair | settings}

        [cls.status] = free_ports(1)
        mutual = {"root_ca": cls.authority.file("ca.crt"), "client_auth_type": "require_and_verify_client_cert"}
        servers = {
            "ec": tls("server"), "rsa": tls("rsa"), "mutual": tls("server", **mutual),
            "starttls": tls("server", starttls=True), "renewed": tls("renewed"),
        }
        configuration = {
            "version": "3",
            "server": {"command": ["php", str(ROOT / "Tests/Examples/tls_worker.php")]},
            "tcp": {"servers": servers, "pool": {"num_workers": 2}},
            "status": {"address": f"127.0.0.1:{cls.status}", "tls": tls("server", **mutual)["tls"]},
        }
        cls.directory = cls.scratch
        (cls.scratch / ".rr.yaml").write_text(json.dumps(configuration))

    @classmethod
    def renew(cls, name):
        for end in ("key", "crt"):
            shutil.copy(cls.authority.file(f"{name}.{end}"), cls.authority.file(f"renewed.{end}"))

    def pair(self, name, certificate, key):
        return [certificate, self.authority.file(f"{name}.crt"), key, self.authority.file(f"{name}.key")]

    def openssl(self, server, *options, **lines):
        return self.talk(
            "openssl", "s_client", "-connect", f"127.0.0.1:{self.ports[server]}", "-servername", "localhost",
            "-CAfile", self.authority.file("ca.crt"), "-verify_return_error", *options, **lines)

    def resumed(self, said):
        """What openssl says of the session: New or Reused."""
        return re.search(r"^(New|Reused), TLSv1", said, re.MULTILINE)[1]

    # openssl

    def test_openssl_resumes(self):
        for version in VERSIONS:
            for server in ("ec", "rsa"):
                with self.subTest(server=server, version=version):
                    session = self.scratch / f"session{version}-{server}"
                    code, said = self.openssl(server, version, "-sess_out", session)
                    self.assertEqual((code, self.resumed(said)), (0, "New"), said)
                    self.assertIn("Verification: OK", said)
                    code, said = self.openssl(server, version, "-sess_in", session)
                    self.assertEqual((code, self.resumed(said)), (0, "Reused"), said)
        code, said = self.openssl("ec", "-tls1_2", "-reconnect")
        self.assertEqual((code, said.count("\nReused, TLSv1.2")), (0, 5), said)

    def test_openssl_resumes_no_session_of_an_old_certificate(self):
        """It connects all the same, and is shown the new one."""
        for version in VERSIONS:
            code, said = self.openssl("renewed", version, "-sess_out", self.scratch / f"old{version}")
            self.assertEqual(code, 0, said)
            self.assertIn("subject=CN = old", said)
        self.renew("new")
        context = ssl.create_default_context(cafile=self.authority.file("ca.crt"))

        def shown():
            with socket.create_connection(("127.0.0.1", self.ports["renewed"]), PATIENCE) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as client:
                    return client.getpeercert()["subject"] == ((("commonName", "new"),),)

        self.wait_for("the new certificate", shown)
        for version in VERSIONS:
            code, said = self.openssl("renewed", version, "-sess_in", self.scratch / f"old{version}")
            self.assertEqual((code, self.resumed(said)), (0, "New"), said)
            self.assertIn("subject=CN = new", said)

    def test_openssl_with_a_certificate(self):
        shown = self.pair("client", "-cert", "-key")
        for version in VERSIONS:
            with self.subTest(version):
                session = self.scratch / f"client{version}"
                for options, wanted in (([*shown, "-sess_out", session], "New"), ([*shown, "-sess_in", session], "Reused")):
                    code, said = self.openssl("mutual", version, *options, says="who", until="not_after")
                    self.assertEqual((code, self.resumed(said)), (0, wanted), said)
                    # Of a session that is resumed the worker is told the same.
                    self.assertIn('"verified":true,"subject":"CN=client"', said)
                # A session of a server that asks for none, and none at all.
                other = self.scratch / f"without{version}"
                self.assertEqual(self.openssl("ec", version, "-sess_out", other)[0], 0)
                for options in ([], ["-sess_in", other]):
                    code, said = self.openssl("mutual", version, *options)
                    self.assertNotEqual(code, 0, said)
                    self.assertRegex(said, "alert (handshake failure|certificate required)")
                    self.assertNotIn("hello", said)

    @unittest.skipUnless(importlib.util.find_spec("cryptography"), "no cryptography, which sslyze brings, for this machine")
    def test_openssl_resumes_no_session_of_an_expired_certificate(self):
        """A ticket is good for two days with TLS 1.3: whose certificate ends before does not get in with it."""
        self.authority.client_for_seconds("brief", 5)
        shown = self.pair("brief", "-cert", "-key")
        for version in VERSIONS:
            code, said = self.openssl("mutual", version, *shown, "-sess_out", self.scratch / f"brief{version}", says="who",
                                      until="not_after")
            self.assertEqual((code, self.resumed(said)), (0, "New"), said)
        self.wait_for("its end", lambda: "certificate expired" in self.openssl("mutual", *shown)[1])
        for version in VERSIONS:
            with self.subTest(version):
                _, said = self.openssl("mutual", version, *shown, "-sess_in", self.scratch / f"brief{version}")
                self.assertNotIn("hello", said)

    def test_openssl_and_old_versions(self):
        for version in ("-tls1", "-tls1_1"):
            code, said = self.openssl("rsa", version, "-cipher", "ALL:@SECLEVEL=0")
            self.assertNotEqual(code, 0, said)
            self.assertIn("alert protocol version", said)

    # gnutls-cli, curl

    def gnutls(self, server, *options, **lines):
        return self.talk(
            "gnutls-cli", "--x509cafile", self.authority.file("ca.crt"), "-p", self.ports[server], *options, "localhost", **lines)

    def test_gnutls(self):
        code, said = self.gnutls("ec", "--alpn", "echo")
        self.assertEqual(code, 0, said)
        self.assertIn("The certificate is trusted", said)
        self.assertIn("\nhello", said)
        # Its own way of looking at resumption.
        code, said = self.gnutls("rsa", "--resume", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2")
        self.assertEqual(code, 0, said)
        self.assertIn("This is a resumed session", said)

        shown = self.pair("client", "--x509certfile", "--x509keyfile")
        code, said = self.gnutls("mutual", *shown, says="who", until="not_after")
        self.assertEqual(code, 0, said)
        self.assertIn('"verified":true,"subject":"CN=client"', said)
        code, said = self.gnutls("mutual")
        self.assertNotEqual(code, 0, said)
        self.assertIn("Certificate is required", said)

    def test_curl_asks_for_health(self):
        # By the name of which the certificate is, wherever a resolver would lead.
        place = f"localhost:{self.status}"
        curl = ["curl", "-sS", "--resolve", f"{place}:127.0.0.1", "--cacert", self.authority.file("ca.crt")]
        shown = self.pair("client", "--cert", "--key")
        for version in ("1.2", "1.3"):
            code, said = self.run_client(*curl, *shown, "--tls-max", version, "-w", "%{http_code}", f"https://{place}/health")
            self.assertEqual((code, said[-3:]), (0, "200"), said)
        code, said = self.run_client(*curl, f"https://{place}/health")
        self.assertNotEqual(code, 0)
        self.assertIn("certificate", said)
        # In clear it is no answer, and not for ever.
        self.assertNotEqual(self.run_client("curl", "-sS", f"http://{place}/health")[0], 0)

    # PHP

    def php(self, program):
        """Its last expression's lines, with `$open(address)`, `$ask(line)` and `$context`."""
        head = f"""
            $context = stream_context_create(['ssl' => ['cafile' => '{self.authority.file("ca.crt")}', 'peer_name' => 'localhost']]);
            $open = fn ($address) => stream_socket_client($address, $code, $reason, {PATIENCE}, STREAM_CLIENT_CONNECT, $context)
                ?: throw new RuntimeException($reason);
            $ask = function ($socket, $line) {{ fwrite($socket, "$line\\n"); return fgets($socket); }};
        """
        result = subprocess.run(["php", "-r", head + program], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        return result.stdout.splitlines()

    def test_php(self):
        said = self.php(f"""
            $socket = $open('tls://127.0.0.1:{self.ports["ec"]}');
            echo $ask($socket, 'hello'), stream_get_meta_data($socket)['crypto']['protocol'];
        """)
        self.assertEqual(said, ["hello", "TLSv1.3"])

    def test_php_and_starttls(self):
        said = self.php(f"""
            $socket = $open('tcp://127.0.0.1:{self.ports["starttls"]}');
            echo $ask($socket, 'hello'), $ask($socket, 'who'), $ask($socket, 'STARTTLS');
            var_dump(stream_socket_enable_crypto($socket, true, STREAM_CRYPTO_METHOD_TLS_CLIENT));
            echo $ask($socket, 'who'), $ask($socket, 'hello');
        """)
        tls = json.loads(said.pop(4))
        self.assertRegex(tls.pop("cipher"), "^TLS_[A-Z0-9_]+$")
        self.assertEqual(tls, {"version": "1.3", "sni": "localhost", "verified": False})
        self.assertEqual(said, ["hello", "null", "220 Go ahead", "bool(true)", "hello"])

    # sslyze

    SCANS = ("certinfo", "sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "compression", "early_data", "openssl_ccs",
             "fallback", "heartbleed", "robot", "reneg", "resum", "elliptic_curves", "ems")
    scanned = None

    def scan(self):
        """Of the servers with an RSA and an EC key: sslyze's results, its exit code and all that it has said."""
        if not Clients.scanned:
            servers = {self.ports[server]: server for server in ("ec", "rsa")}
            places = [f"127.0.0.1:{port}" for port in servers]
            file = self.scratch / "sslyze.json"
            code, said = self.run_client(
                sys.executable, "-m", "sslyze", "--json_out", file, "--mozilla_config", "intermediate",
                "--certinfo_ca_file", self.authority.file("ca.crt"), *(f"--{scan}" for scan in self.SCANS), *places)
            results = {}
            for result in json.loads(file.read_text())["server_scan_results"]:
                self.assertEqual(result["scan_status"], "COMPLETED", said)
                # What HTTP has is not asked for.
                scans = {name: scan for name, scan in result["scan_result"].items() if name != "http_headers"}
                self.assertEqual({scan["status"] for scan in scans.values()}, {"COMPLETED"}, said)
                results[servers[result["server_location"]["port"]]] = {name: scan["result"] for name, scan in scans.items()}
            self.assertEqual(set(results), {"ec", "rsa"})
            Clients.scanned = results, code, said
        return Clients.scanned

    @unittest.skipUnless(importlib.util.find_spec("sslyze"), "no sslyze for this machine: nobody looks for faults of TLS")
    def test_sslyze_finds_nothing(self):
        results, _, said = self.scan()
        for server, found in results.items():
            with self.subTest(server):
                for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
                    self.assertEqual(found[f"{version}_cipher_suites"]["accepted_cipher_suites"], [], version)
                for version in ("tls_1_2", "tls_1_3"):
                    self.assertTrue(found[f"{version}_cipher_suites"]["is_tls_version_supported"], version)
                self.assertFalse(found["tls_compression"]["supports_compression"])
                self.assertFalse(found["heartbleed"]["is_vulnerable_to_heartbleed"])
                self.assertFalse(found["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"])
                self.assertRegex(found["robot"]["robot_result"], "^NOT_VULNERABLE")
                self.assertFalse(found["session_renegotiation"]["is_vulnerable_to_client_renegotiation_dos"])
                self.assertTrue(found["session_renegotiation"]["supports_secure_renegotiation"])
                self.assertTrue(found["tls_extended_master_secret"]["supports_ems_extension"])
                # It could be played again.
                self.assertFalse(found["tls_1_3_early_data"]["supports_early_data"])
                self.assertEqual(found["session_resumption"]["tls_ticket_resumption_result"], "FULLY_SUPPORTED")
                curves = {curve["name"] for curve in found["elliptic_curves"]["supported_curves"]}
                self.assertLessEqual(curves, {"X25519", "prime256v1", "secp256r1", "secp384r1", "secp521r1"}, said)

    @unittest.skipUnless(importlib.util.find_spec("sslyze"), "no sslyze for this machine: nobody looks for faults of TLS")
    def test_sslyze_finds_modern_ciphers_alone(self):
        """No RSA key exchange, so that who gets the key later reads nothing of before; no CBC. As Mozilla's "intermediate"."""
        results, code, said = self.scan()
        for server, found in results.items():
            with self.subTest(server):
                suites = found["tls_1_2_cipher_suites"]["accepted_cipher_suites"]
                names = {suite["cipher_suite"]["name"] for suite in suites}
                good = {name for name in names if re.fullmatch(r"TLS_ECDHE_\w+_(GCM_SHA\d+|CHACHA20_POLY1305_SHA256)", name)}
                self.assertEqual(names - good, set())
                self.assertGreaterEqual(len(good), 3)
        self.assertEqual(code, 0, said[said.find("COMPLIANCE"):])


class SMTPWithTLS(Example):
    """The SMTP example with STARTTLS, and AUTH behind it."""

    directory = "."
    servers = ["smtp", "echo"]
    environment = {"SMTP_MAIL_DIR": "{}/mail", "SMTP_USERS": "{}/users"}
    starttls = True
    MECHANISMS = ("PLAIN", "LOGIN")

    @classmethod
    def prepare(cls):
        cls.certify("smtp", starttls=str(cls.starttls).lower())
        cls.context = ssl.create_default_context(cafile=cls.authority.file("ca.crt"))
        hashed = subprocess.run(
            ["php", "-r", "echo password_hash('secret', PASSWORD_BCRYPT, ['cost' => 4]);"], capture_output=True, text=True)
        (cls.scratch / "users").write_text(f"you:x\nme:{hashed.stdout}\n")

    def stored(self, sender):
        """The envelope and the mail."""
        envelopes = {path: json.loads(path.read_text()) for path in (self.scratch / "mail/envelopes").glob("*.json")}
        [(path, envelope)] = [(p, e) for p, e in envelopes.items() if e["from"] == sender]
        return envelope, (self.scratch / "mail/new" / f"{path.stem}.eml").read_bytes()

    @contextlib.contextmanager
    def encrypted(self):
        with smtplib.SMTP("localhost", self.port, local_hostname="client", timeout=PATIENCE) as client:
            self.assertEqual(client.starttls(context=self.context)[0], 220)
            yield client

    def authenticate(self, client, mechanism, password="secret"):
        client.user, client.password = "me", password
        return client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))

    def test_smtplib(self):
        for mechanism in self.MECHANISMS:
            with self.encrypted() as client:
                client.ehlo()
                for password in ("Secret", "", "secret\0"):
                    with self.assertRaises(smtplib.SMTPAuthenticationError) as caught:
                        self.authenticate(client, mechanism, password)
                    self.assertIn(caught.exception.smtp_code, (535, 501))
                self.assertEqual(client.docmd("MAIL FROM:<me@example.org>")[0], 530)
                self.assertEqual(self.authenticate(client, mechanism)[0], 235)
                sender = f"{mechanism}@example.org"
                client.sendmail(sender, ["you@example.org"], "Subject: hi\r\n\r\nsecret\r\n")
                envelope, mail = self.stored(sender)
                self.assertEqual((envelope["user"], mail), ("me", b"Subject: hi\r\n\r\nsecret\r\n"))
                self.assertEqual(client.docmd("AUTH", "PLAIN")[0], 503)
        with self.encrypted() as client:
            # As applications do it.
            client.login("me", "secret")

    def test_auth_comes_after_starttls(self):
        with smtplib.SMTP("localhost", self.port, local_hostname="client", timeout=PATIENCE) as client:
            client.ehlo()
            self.assertTrue(client.has_extn("starttls"))
            self.assertFalse(client.has_extn("auth"))
            for mechanism in self.MECHANISMS:
                self.assertEqual(client.docmd("AUTH", f"{mechanism} AG1lAHNlY3JldA==")[0], 538)
            code, said = client.docmd("MAIL FROM:<me@example.org>")
            self.assertEqual((code, b"STARTTLS" in said), (530, True))
            client.starttls(context=self.context)
            # What was said in clear does not count.
            self.assertEqual(client.docmd("AUTH", "PLAIN AG1lAHNlY3JldA==")[0], 503)
            client.ehlo()
            self.assertFalse(client.has_extn("starttls"))
            self.assertEqual(client.esmtp_features["auth"].split(), list(self.MECHANISMS))
            self.assertEqual(client.docmd("STARTTLS")[0], 502)
            for said, code in (
                ("CRAM-MD5", 504), ("", 504), ("PLAIN ?", 501), ("PLAIN =", 501), ("PLAIN bWU=", 501), ("LOGIN ?", 501),
                # For somebody else; with the right name as the one to act for.
                ("PLAIN eW91AG1lAHNlY3JldA==", 535), ("PLAIN bWUAbWUAc2VjcmV0", 235),
            ):
                self.assertEqual(client.docmd("AUTH", said)[0], code, said)

    def test_auth_that_is_broken_off(self):
        with self.encrypted() as client:
            client.ehlo()
            for lines in (("AUTH PLAIN", "*"), ("AUTH LOGIN", "*"), ("AUTH LOGIN", "bWU=", "*")):
                for line in lines[:-1]:
                    self.assertEqual(client.docmd(line)[0], 334)
                self.assertEqual(client.docmd("*")[0], 501)
                self.assertEqual(client.docmd("NOOP")[0], 250)
            self.assertEqual(client.docmd("AUTH LOGIN")[0], 334)
            self.assertEqual(client.docmd("x" * 2000)[0], 500)
            self.assertEqual(client.docmd("NOOP")[0], 250)

    def test_nothing_may_follow_starttls(self):
        with self.client() as client:
            client.sendall(b"EHLO x\r\nSTARTTLS\r\nNOOP\r\n")
            said = b""
            while piece := client.recv(65536):
                said += piece
            self.assertNotIn(b"Go ahead", said)
            self.assertIn(b"\r\n421 ", said)

    def test_swaks(self):
        swaks = ["swaks", "--server", f"localhost:{self.port}", "--to", "you@example.org", "--auth-user", "me"]
        tls = ["--tls", "--tls-verify", "--tls-ca-path", self.authority.file("ca.crt")]
        for mechanism in self.MECHANISMS:
            with self.subTest(mechanism):
                sender = f"swaks-{mechanism}@example.org"
                good = [*swaks, "--from", sender, "--auth", mechanism, "--auth-password", "secret"]
                code, said = self.run_client(*good, *tls)
                self.assertEqual(code, 0, said)
                self.assertEqual(self.stored(sender)[0]["user"], "me")
                code, said = self.run_client(*swaks, "--from", "bad@x.org", "--auth", mechanism, "--auth-password", "bad", *tls)
                self.assertNotEqual(code, 0, said)
                self.assertIn("<~* 535 5.7.8", said)
                # In clear it is not offered.
                code, said = self.run_client(*good)
                self.assertNotEqual(code, 0, said)
                self.assertNotIn("AG1lAHNlY3JldA", said)

    def test_curl(self):
        mail = self.scratch / "curl.eml"
        mail.write_bytes(b"Subject: from curl\r\n\r\nhello\r\n")
        curl = ["curl", "-sS", "--ssl-reqd", "--cacert", self.authority.file("ca.crt"), "--mail-rcpt", "you@example.org"]
        curl += ["--mail-from", "curl@example.org", "--upload-file", mail, f"smtp://localhost:{self.port}/client"]
        self.assertEqual(self.run_client(*curl, "--user", "me:secret"), (0, ""))
        self.assertEqual(self.stored("curl@example.org")[1], mail.read_bytes())
        self.assertEqual(self.run_client(*curl, "--user", "me:bad")[0], 67)

    def test_others_that_start_tls_for_smtp(self):
        authority = self.authority.file("ca.crt")
        for command in (
            ["openssl", "s_client", "-starttls", "smtp", "-crlf", "-connect", f"127.0.0.1:{self.port}", "-CAfile", authority,
             "-servername", "localhost", "-verify_return_error"],
            ["gnutls-cli", "--starttls-proto", "smtp", "--crlf", "--x509cafile", authority, "-p", self.port, "localhost"],
        ):
            with self.subTest(command[0]):
                code, said = self.talk(*command, says="NOOP", until="250 2.0.0 OK")
                self.assertEqual(code, 0, said)
                self.assertIn("250 2.0.0 OK", said)


class SMTPS(SMTPWithTLS):
    """Where connections begin with TLS, as at port 465."""

    starttls = False
    test_auth_comes_after_starttls = test_nothing_may_follow_starttls = test_others_that_start_tls_for_smtp = None
    test_swaks = test_curl = test_auth_that_is_broken_off = None

    @contextlib.contextmanager
    def encrypted(self):
        with smtplib.SMTP_SSL(
            "localhost", self.port, local_hostname="client", timeout=PATIENCE, context=self.context) as client:
            yield client


class MQTTWithTLS(Example):
    """Things with certificates of their own."""

    directory = "examples/mqtt"
    servers = ["mqtt"]

    @classmethod
    def prepare(cls):
        cls.certify("mqtt", client_auth_type="require_and_verify_client_cert")
        cls.overrides = cls.overrides | {"tcp.servers.mqtt.tls.root_ca": cls.authority.file("ca.crt")}

    def publish(self, *options):
        return self.run_client(
            "mosquitto_pub", "-h", "localhost", "-p", self.port, "--cafile", self.authority.file("ca.crt"), "-i", "thing",
            "-t", "rooms/kitchen", "-m", "21.5", "-q", 1, *options)

    def test_a_message(self):
        shown = ["--cert", self.authority.file("client.crt"), "--key", self.authority.file("client.key")]
        self.assertEqual(self.publish(*shown), (0, ""))
        self.logged("a message", client="thing", topic="rooms/kitchen", message="21.5")
        self.assertNotEqual(self.publish()[0], 0)


if __name__ == "__main__":
    unittest.main()

"""Certificates of an authority that is made for a test."""

import pathlib
import subprocess

KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}


class Authority:
    """Files in a directory: `ca.crt`, and NAME.crt and NAME.key of each that is made. All in PEM."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._make("ca", "ec", ["basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign,cRLSign"], [])

    def server(self, name, key="ec"):
        self._make(name, key, [
            "subjectAltName=DNS:localhost,DNS:mail.example.org,IP:127.0.0.1", "extendedKeyUsage=serverAuth",
            "keyUsage=critical,digitalSignature", "basicConstraints=critical,CA:false"], self._by())

    def client(self, name):
        self._make(name, "ec", ["extendedKeyUsage=clientAuth", "basicConstraints=critical,CA:false"], self._by())

    def file(self, name):
        return str(self.directory / name)

    def _by(self):
        return ["-CA", self.file("ca.crt"), "-CAkey", self.file("ca.key")]

    def _make(self, name, key, extensions, by):
        command = ["openssl", "req", "-x509", "-nodes", "-sha256", "-days", "90", "-subj", f"/CN={name}", *by]
        command += ["-newkey", *KEYS[key], "-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.crt")]
        for extension in extensions:
            command += ["-addext", extension]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr

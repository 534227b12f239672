"""Certificates of an authority that is made for a test."""

import datetime
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

    def client_for_seconds(self, name, seconds):
        """Which the program cannot: it counts days."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        def read(file, how, *more):
            return how(pathlib.Path(self.file(file)).read_bytes(), *more)

        authority = read("ca.crt", x509.load_pem_x509_certificate)
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])).issuer_name(authority.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(seconds=seconds))
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(read("ca.key", serialization.load_pem_private_key, None), hashes.SHA256()))
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pathlib.Path(self.file(f"{name}.key")).write_bytes(private)
        pathlib.Path(self.file(f"{name}.crt")).write_bytes(certificate.public_bytes(pem))

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

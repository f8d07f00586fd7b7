"""Certificates for tests, made by the openssl command."""
import os

from harness.process import run


class Certificate:
    def __init__(self, certificate, key):
        self.certificate = certificate
        self.key = key


class CertificateAuthority:
    """A CA in `folder`. `ca.file` is what smtp_tls_CAfile would name."""

    def __init__(self, folder, name="Test CA"):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.name = name
        self.file = os.path.join(folder, name.replace(" ", "-") + ".pem")
        self.key = self.file[:-4] + ".key"
        self.serial = 1
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + name, "-keyout", self.key,
                 "-out", self.file)

    def issue(self, names, days=30, file_name=None):
        """A server certificate for the given DNS names and IP addresses (the first is the common name)."""
        self.serial += 1
        base = os.path.join(self.folder, file_name or "%s-%d" % (names[0], self.serial))
        request, extensions = base + ".csr", base + ".ext"
        with open(extensions, "w") as f:
            f.write("subjectAltName=" + ",".join(("IP:" if n.replace(".", "").isdigit() else "DNS:") + n for n in names) + "\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + names[0], "-keyout", base + ".key", "-out", request)
        dates = ["-days", str(days)] if days > 0 else ["-days", "-1"]
        _openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-set_serial", str(self.serial), "-extfile", extensions, *dates, "-out",
                 base + ".pem")
        os.chmod(base + ".key", 0o600)
        return Certificate(base + ".pem", base + ".key")


def _openssl(*arguments):
    result = run(["openssl", *arguments])
    if result.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (arguments[0], result.stderr))

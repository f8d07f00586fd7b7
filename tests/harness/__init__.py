"""What the integration tests share: relays, sinks, DNS, certificates, authentication servers, all on loopback."""
from harness.case import RelayCase
from harness.certs import CertificateAuthority
from harness.relay import Relay
from harness.sink import Sink, run_source
from harness.smtp import Dialogue

__all__ = ["CertificateAuthority", "Dialogue", "Relay", "RelayCase", "Sink", "run_source"]

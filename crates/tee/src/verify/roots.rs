//! Vendor roots, compiled in by fingerprint.

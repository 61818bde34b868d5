//! Sealed requests and replies.

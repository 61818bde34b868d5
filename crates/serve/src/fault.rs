//! Errors on the wire and back. The sentence travels with its code and with whose turn it is, so that a native
//! client ends up with the same [`Error`] that the host returned.

use http::StatusCode;
use privet_deploy::error::named_code;
use privet_deploy::{Blame, Error};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};

const CODE: &str = "privet-code";
const BLAME: &str = "privet-blame";
/// As HTTP calls it.
const RETRY_AFTER: &str = "retry-after";

/// The word for a blame, as in the `blame` of a REST error.
pub fn blame_name(blame: Blame) -> &'static str {
    match blame {
        Blame::Ours => "ours",
        Blame::Usage => "usage",
        Blame::Refused => "refused",
        Blame::NotFound => "not_found",
        Blame::Unreachable => "unreachable",
        Blame::Busy => "busy",
        Blame::Denied => "denied",
        Blame::Integrity => "integrity",
    }
}

/// The REST status for a blame.
pub fn http_status(blame: Blame) -> StatusCode {
    match blame {
        Blame::Ours => StatusCode::INTERNAL_SERVER_ERROR,
        Blame::Usage | Blame::Refused | Blame::Integrity => StatusCode::BAD_REQUEST,
        Blame::NotFound => StatusCode::NOT_FOUND,
        Blame::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
        Blame::Busy => StatusCode::TOO_MANY_REQUESTS,
        Blame::Denied => StatusCode::FORBIDDEN,
    }
}

/// An error as a gRPC status.
pub fn to_status(error: &Error) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(CODE, MetadataValue::from_static(error.code));
    metadata.insert(BLAME, MetadataValue::from_static(blame_name(error.blame)));
    if let Some(seconds) = error.retry_after {
        metadata.insert(RETRY_AFTER, seconds.into());
    }
    Status::with_metadata(grpc_code(error.blame), error.to_string(), metadata)
}

/// Whether a status came from the transport, which knows no codes of ours.
pub fn is_of_transport(status: &Status) -> bool {
    !status.metadata().contains_key(CODE)
}

/// What a server's gRPC status says.
pub fn from_status(status: &Status) -> Error {
    let text = |key| status.metadata().get(key).and_then(|value| value.to_str().ok());
    let blame = text(BLAME).and_then(parse_blame).unwrap_or_else(|| foreign_blame(status.code()));
    let code = text(CODE).and_then(named_code).unwrap_or(UNNAMED);
    let message = status.message();
    let message = message.strip_prefix(code).map_or(message, str::trim_start);
    let message = if message.is_empty() { "The server gave no reason." } else { message };
    Error { retry_after: text(RETRY_AFTER).and_then(|t| t.parse().ok()), ..Error::new(blame, code, message) }
}

/// For a refusal that came without a code of ours: from another implementation, or from below the protocol.
const UNNAMED: &str = "E307";

fn grpc_code(blame: Blame) -> Code {
    match blame {
        Blame::Ours => Code::Internal,
        Blame::Usage | Blame::Refused => Code::InvalidArgument,
        Blame::NotFound => Code::NotFound,
        Blame::Unreachable => Code::Unavailable,
        Blame::Busy => Code::ResourceExhausted,
        Blame::Denied => Code::PermissionDenied,
        Blame::Integrity => Code::Aborted,
    }
}

fn foreign_blame(code: Code) -> Blame {
    match code {
        Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented => Blame::Usage,
        Code::NotFound => Blame::NotFound,
        Code::Aborted | Code::DataLoss => Blame::Integrity,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Blame::Unreachable,
        Code::ResourceExhausted => Blame::Busy,
        Code::Unauthenticated | Code::PermissionDenied => Blame::Denied,
        _ => Blame::Ours,
    }
}

const ALL: [Blame; 8] = [
    Blame::Ours,
    Blame::Usage,
    Blame::Refused,
    Blame::NotFound,
    Blame::Unreachable,
    Blame::Busy,
    Blame::Denied,
    Blame::Integrity,
];

fn parse_blame(name: &str) -> Option<Blame> {
    ALL.into_iter().find(|blame| blame_name(*blame) == name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_blame_and_code_survives_the_wire() {
        for blame in ALL {
            for code in ["E000", "E105", "E320", "E999"] {
                let error = Error::new(blame, code, "Row 17 is out of range. Re-plan.");
                assert_eq!(from_status(&to_status(&error)), error);
                let error = Error { retry_after: Some(7), ..error };
                assert_eq!(from_status(&to_status(&error)), error);
            }
        }
    }

    #[test]
    fn strange_codes_are_not_taken() {
        for code in ["", "E", "E1", "E1000", "E+12", "X105", "E10５"] {
            assert_eq!(named_code(code), None, "{code}");
        }
    }

    #[test]
    fn a_foreign_status_is_sorted_by_its_code() {
        let error = from_status(&Status::not_found("no such model"));
        assert_eq!(error, Error::new(Blame::NotFound, "E307", "no such model"));
        assert_eq!(from_status(&Status::unknown("")).message, "The server gave no reason.");
    }
}

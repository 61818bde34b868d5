//! Who may call: clients that a role's configuration names, or whoever comes to it; a gateway's programs of the same machine, or holders of a token.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{Request, StatusCode};
use privet_deploy::{Blame, Error};
use zeroize::Zeroizing;

use crate::clients::{Client, Clients, bearer};

/// A rule for callers.
pub enum Access {
    /// Those whom a configuration names, or whoever comes.
    Clients(Clients),
    /// Programs of this machine. A page of another site, which a browser here shows, is none.
    Loopback,
    /// Holders of a token.
    Token(Token),
}

/// What a caller must show. Only its digest is kept.
#[derive(Clone)]
pub struct Token(blake3::Hash);

/// Characters below which a token can be guessed.
const SHORTEST: usize = 20;

impl Token {
    /// The token in this text, without the white space around it.
    pub fn new(text: &Zeroizing<String>) -> Result<Self, Error> {
        let token = text.trim();
        if token.len() < SHORTEST {
            let what = format!("The token has {} characters; at least {SHORTEST} are needed.", token.len());
            return Err(Error::usage("E164", what));
        }
        Ok(Self(blake3::hash(token.as_bytes())))
    }

    /// Compared as digests, in constant time.
    fn is(&self, shown: &str) -> bool {
        blake3::hash(shown.as_bytes()) == self.0
    }
}

impl Access {
    /// Whoever comes.
    pub fn anyone() -> Self {
        Self::Clients(Clients::anyone())
    }

    /// Whether callers may be known by a key that they show in the TLS handshake.
    pub(crate) fn wants_keys(&self) -> bool {
        matches!(self, Self::Clients(clients) if clients.wants_keys())
    }

    /// Who this caller is, if it may go on; else what it is told. `key` is the one that it showed in the TLS handshake.
    pub fn check<B>(
        &self,
        request: &Request<B>,
        key: Option<&[u8; 32]>,
        address: IpAddr,
    ) -> Result<Arc<Client>, (StatusCode, Error)> {
        let anyone = || Arc::new(Client::anyone());
        match self {
            Self::Clients(clients) => {
                let client = clients.identify(key, request.headers())?;
                clients.admit(client, address).map_err(|e| (StatusCode::TOO_MANY_REQUESTS, e))?;
                Ok(Arc::clone(client))
            }
            Self::Loopback => from_here(request).map(|()| anyone()),
            Self::Token(token) => match bearer(request.headers()) {
                Some(shown) if token.is(shown) => Ok(anyone()),
                _ => {
                    let what =
                        "This gateway wants its token: `Authorization: Bearer TOKEN`. Its operator has it.";
                    Err((StatusCode::UNAUTHORIZED, Error::new(Blame::Denied, "E165", what)))
                }
            },
        }
    }
}

/// A page of another site can send requests here: its browser says where it comes from, or asks for a name that is not this
/// machine's (a name that its owner points here).
fn from_here<B>(request: &Request<B>) -> Result<(), (StatusCode, Error)> {
    let named = request.uri().authority().cloned().map(Some);
    let host =
        named.or_else(|| request.headers().get(HOST).map(|host| Authority::try_from(host.as_bytes()).ok()));
    let origin = request.headers().get(ORIGIN).map(|origin| {
        let authority = origin.to_str().ok()?.split_once("://")?.1;
        Authority::try_from(authority).ok()
    });
    let ours = host.is_none_or(|host| host.is_some_and(|host| is_here(&host)))
        && origin.is_none_or(|origin| origin.is_some_and(|origin| is_here(&origin)));
    if ours {
        return Ok(());
    }
    let what = "This gateway answers programs of its own machine, under `localhost` or a loopback address, and no pages of \
                other sites. For others, give it a token and a certificate.";
    Err((StatusCode::FORBIDDEN, Error::new(Blame::Denied, "E166", what)))
}

fn is_here(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn request(host: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::post("/v2/models/m/infer").header(HOST, host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn check(access: &Access, request: &Request<()>) -> Result<Arc<Client>, (StatusCode, Error)> {
        access.check(request, None, IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))
    }

    #[test]
    fn programs_here_may_ask_and_pages_from_elsewhere_may_not() {
        for host in ["localhost:8080", "127.0.0.1:1", "[::1]:8080", "127.9.9.9"] {
            assert!(check(&Access::Loopback, &request(host, &[])).is_ok(), "{host}");
            assert!(check(&Access::Loopback, &request(host, &[("origin", "http://localhost:3000")])).is_ok());
            for origin in ["https://evil.example", "null", "", "http://localhost.evil.example"] {
                let (status, error) =
                    check(&Access::Loopback, &request(host, &[("origin", origin)])).err().unwrap();
                assert_eq!((status, error.code), (StatusCode::FORBIDDEN, "E166"), "{origin}");
            }
        }
        for host in ["evil.example", "localhost.evil.example:8080", "10.0.0.1", "a`b.evil.example", ""] {
            assert!(check(&Access::Loopback, &request(host, &[])).is_err(), "{host}");
        }
    }

    #[test]
    fn a_token_must_be_the_very_one() {
        let access = Access::Token(Token::new(&Zeroizing::new(" 0123456789abcdefghij\n".into())).unwrap());
        for (shown, good) in [
            ("Bearer 0123456789abcdefghij", true),
            ("bearer 0123456789abcdefghij", true),
            ("Bearer 0123456789abcdefghi", false),
            ("Basic 0123456789abcdefghij", false),
            ("Bearer ", false),
        ] {
            assert_eq!(check(&access, &request("x", &[("authorization", shown)])).is_ok(), good, "{shown}");
        }
        assert_eq!(check(&access, &request("x", &[])).err().unwrap().0, StatusCode::UNAUTHORIZED);
        assert!(Token::new(&Zeroizing::new("short".into())).is_err());
    }
}

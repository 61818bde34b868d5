//! What a party says of its own peers, to a peer that asks: so that one of them can tell the state of every link.

use std::io::{self, Read as _};

use privet_deploy::{Blame, Error};
use serde::{Deserialize, Serialize};

use super::dial::Target;
use super::frame::Purpose;
use super::hub::Hub;
use super::wire::why;
use super::{Identity, Side};

/// The longest report that is read.
const MOST: u64 = 16 << 10;
/// The longest reason of a link that is shown.
const WORDS: usize = 2000;

/// One of its links, as a party sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// To which party.
    pub party: usize,
    /// Whether it is connected, in both directions.
    pub up: bool,
    /// What is wrong with it.
    pub trouble: Option<String>,
}

/// All links of this party, as JSON.
pub(super) fn report(hub: &Hub) -> Vec<u8> {
    let troubles = hub.troubles();
    let told = |side: &Side| Told {
        party: side.role(hub.me).index(),
        up: hub.peer(*side).up,
        trouble: troubles[side.index()].as_ref().map(|error| error.to_string().chars().take(WORDS).collect()),
    };
    // Where nothing is computed between the parties, no link is missing.
    let sides = hub.sides.iter().filter(|_| hub.is_open());
    let all: Vec<Told> = sides.map(told).collect();
    serde_json::to_vec(&all).unwrap_or_default()
}

/// Asks a peer at `HOST:PORT` how it stands with its own peers.
pub fn ask(identity: &Identity<'_>, side: Side, address: &str) -> Result<Vec<Told>, Error> {
    let target = Target::new(identity, side, address)?;
    let stream = target.dial(Purpose::Report)?;
    let mut text = Vec::new();
    let read = stream.take(MOST).read_to_end(&mut text);
    let read = match read {
        // Whoever has said everything just goes.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(why(&error)),
        _ => serde_json::from_slice::<Vec<Told>>(&text).map_err(|_| "its report cannot be read".to_owned()),
    };
    read.map_err(|what| {
        let who = target.who();
        Error::new(
            Blame::Unreachable,
            "E304",
            format!("`{who}` at {address} does not tell of its links: {what}."),
        )
    })
}

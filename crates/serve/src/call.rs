//! A call on its way through a server: who makes it, and the trace that it is part of.

use std::sync::Arc;

use privet_deploy::Error;

use crate::clients::Client;
use crate::house::Guest;
use crate::trace::Trace;

/// What is known of a call besides its message.
#[derive(Clone)]
pub struct Call {
    /// Who makes it.
    pub client: Arc<Client>,
    /// The server's own step of the trace, if there is one.
    pub trace: Option<Trace>,
    /// Its room in the server, where that is bounded.
    pub guest: Option<Arc<Guest>>,
    /// Why it is refused, where that is known before it was read, and others who would compute along are to be told.
    pub refused: Option<Error>,
}

impl Call {
    /// By whoever comes.
    pub fn of_anyone() -> Self {
        Self { client: Arc::new(Client::anyone()), trace: None, guest: None, refused: None }
    }
}

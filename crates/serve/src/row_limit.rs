//! A limit on the rows that a server answers in a minute, whoever asks: answers recover a linear model in any kind, and this sets the
//! pace at which they can.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use privet_deploy::dealer2::pool::Level;
use privet_deploy::oip::{Host, InferReply, InferRequest, Metadata};
use privet_deploy::{Blame, Error};

/// A host that answers so many rows in a minute.
pub(crate) struct RowLimit {
    host: Arc<dyn Host>,
    per_minute: u32,
    /// Rows that may be asked about now, and since when that is so.
    left: Mutex<(f64, Instant)>,
}

const MINUTE: f64 = 60.0;

impl RowLimit {
    pub(crate) fn new(host: Arc<dyn Host>, per_minute: u32) -> Self {
        Self { host, per_minute, left: Mutex::new((per_minute.into(), Instant::now())) }
    }

    /// Takes these rows from what is left, which grows evenly up to a minute's worth.
    fn take(&self, rows: usize, now: Instant) -> Result<(), Error> {
        let most = f64::from(self.per_minute);
        let wanted = rows as f64;
        if wanted > most {
            let what =
                format!("{rows} rows came; this server answers {} in a minute. Send fewer.", self.per_minute);
            return Err(Error::usage("E325", what));
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(left.1).as_secs_f64();
        let have = (left.0 + since * most / MINUTE).min(most);
        if wanted > have {
            *left = (have, now);
            let wait = Duration::from_secs_f64((wanted - have) * MINUTE / most).as_secs() + 1;
            let what = format!(
                "This server answers {} rows in a minute, and they are used up. Ask again in {wait} s.",
                self.per_minute
            );
            return Err(Error::new(Blame::Unreachable, "E325", what));
        }
        *left = (have - wanted, now);
        Ok(())
    }

    fn give_back(&self, rows: usize) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.0 = (left.0 + rows as f64).min(self.per_minute.into());
    }
}

impl Host for RowLimit {
    fn metadata(&self) -> &Metadata {
        self.host.metadata()
    }

    fn waits(&self) -> bool {
        self.host.waits()
    }

    fn rows(&self, request: &InferRequest) -> usize {
        self.host.rows(request)
    }

    fn pool(&self) -> Vec<Level> {
        self.host.pool()
    }

    fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
        let rows = self.host.rows(&request);
        self.take(rows, Instant::now())?;
        // What was refused told nothing, so it costs nothing.
        self.host.infer(request).inspect_err(|_| self.give_back(rows))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Nothing(Metadata);

    impl Host for Nothing {
        fn metadata(&self) -> &Metadata {
            &self.0
        }

        fn rows(&self, _: &InferRequest) -> usize {
            40
        }

        fn infer(&self, request: InferRequest) -> Result<InferReply, Error> {
            if request.id.is_empty() { Ok(InferReply::default()) } else { Err(Error::usage("E340", "none")) }
        }
    }

    #[test]
    fn rows_come_back_evenly_and_never_more_than_a_minute_of_them() {
        let metadata = Metadata {
            name: "m".into(),
            version: "1".into(),
            platform: "test".into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parameters: Vec::new(),
        };
        let limit = RowLimit::new(Arc::new(Nothing(metadata)), 60);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(limit.take(60, at(0)).is_ok());
        let error = limit.take(10, at(4)).unwrap_err();
        assert!(error.blame == Blame::Unreachable && error.message.contains("in 7 s"), "{error}");
        assert!(limit.take(10, at(11)).is_ok());
        assert!(limit.take(2, at(11)).is_err());
        // A long pause gives a minute's rows and no more.
        assert!(limit.take(60, at(4000)).is_ok() && limit.take(1, at(4000)).is_err());
        // No wait is long enough for these.
        assert_eq!(limit.take(61, at(9000)).unwrap_err().blame, Blame::Usage);
        assert!(limit.take(60, at(9000)).is_ok());
        // What the host refuses costs nothing.
        let asked = |id: &str| limit.infer(InferRequest { id: id.into(), ..InferRequest::default() }).err();
        limit.give_back(60);
        assert!((0..5).all(|_| asked("bad").is_some_and(|e| e.code == "E340")));
        assert!(asked("").is_none() && asked("").is_some_and(|e| e.code == "E325"));
    }
}

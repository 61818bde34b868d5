//! What binds evidence to an asker: report data, direction, bundle, nonce, age.

use subtle::ConstantTimeEq as _;

use super::{Facts, Question, Time};
use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::policy::Policy;
use crate::statement::{Freshness, Hex, Stamp, Statement, report_data, session_message, sha256, verifies};
use crate::verdict::{Check, Verdict};

pub(super) struct Asked<'a> {
    pub(super) question: Option<&'a Question>,
    pub(super) now: Time,
    pub(super) policy: &'a Policy,
    /// SHA-256 of the envelope.
    pub(super) digest: [u8; 32],
}

/// Clocks differ by a little everywhere.
const SKEW: u64 = 60;

impl Asked<'_> {
    /// Adds its checks; gives the statement, and until when its evidence is young enough.
    pub(super) fn check(
        &self,
        evidence: &Evidence,
        facts: &Facts,
        verdict: &mut Verdict,
    ) -> Option<(Statement, Option<Time>)> {
        if evidence.statement.0.is_empty() && self.question.is_none() {
            verdict.notes.push("recorded evidence without a statement: it is bound to no channel".into());
            return None;
        }
        let checks = &mut verdict.checks;
        let statement = match Statement::parse(&evidence.statement.0) {
            Ok(statement) => statement,
            Err(e) => {
                checks.push(Check::failed("statement-invalid", e));
                return None;
            }
        };
        checks.push(reports(evidence, facts));
        if let Some(check) = self.model(&statement) {
            checks.push(check);
        }
        let until = match self.question {
            None => None,
            Some(question) => {
                checks.push(direction(&statement, question));
                checks.push(bundle(&statement, question));
                checks.extend(meant(&statement, question));
                if let Some(check) = self.requests(&statement) {
                    checks.push(check);
                }
                self.freshness(&statement, question, verdict)
            }
        };
        Some((statement, until))
    }

    /// To a key service no model is stated yet: it is about to give the key.
    fn model(&self, statement: &Statement) -> Option<Check> {
        let named = self.policy.model.as_ref().filter(|m| !m.digest.is_empty())?;
        let stated = statement.model?;
        Some(if named.digest.iter().any(|d| d.0 == stated.0) {
            Check::passed("model", "it has opened a model that the policy names")
        } else {
            Check::failed(
                "model-unknown",
                format!("it has opened model {stated}, which the policy does not name"),
            )
        })
    }

    fn requests(&self, statement: &Statement) -> Option<Check> {
        let most = self.policy.channel.max_requests?;
        Some(if statement.requests <= most {
            Check::passed("requests", format!("the epoch ends after {} requests", statement.requests))
        } else {
            Check::failed(
                "epoch-too-long",
                format!("the epoch answers {} requests, the policy takes {most}", statement.requests),
            )
        })
    }

    fn freshness(&self, statement: &Statement, question: &Question, verdict: &mut Verdict) -> Option<Time> {
        match &statement.freshness {
            Freshness::Full { nonce } => {
                let same = bool::from(nonce.0.ct_eq(&question.nonce.0));
                verdict.notes.push("mode full: made for this asker's nonce".into());
                verdict.checks.push(if same {
                    Check::passed("nonce", "made for this asker's nonce")
                } else {
                    Check::failed(
                        "nonce-mismatch",
                        "made for another nonce: an answer to somebody else, or an old one",
                    )
                });
                None
            }
            Freshness::Epoch { stamp } => {
                verdict.notes.push("mode epoch: no-forward-secrecy-within-epoch".into());
                self.epoch(statement, stamp, question, &mut verdict.checks)
            }
        }
    }

    fn epoch(
        &self,
        statement: &Statement,
        stamp: &Stamp,
        question: &Question,
        checks: &mut Vec<Check>,
    ) -> Option<Time> {
        if !self.policy.accepts_epochs() {
            checks.push(Check::failed(
                "epoch-not-accepted",
                "evidence of an epoch, and the policy names no `max_evidence_age` and `stamp_keys`; ask for evidence of your own",
            ));
            return None;
        }
        checks.push(self.stamped(stamp));
        let until = stamp.time.saturating_add(self.policy.channel.max_evidence_age.0);
        checks.push(self.age(stamp, until));
        let message = session_message(question.direction, &question.nonce.0, &self.digest);
        let signed = question.session.is_some_and(|s| verifies(&statement.signing_key, &message, &s));
        checks.push(if signed {
            Check::passed("session", "the epoch's key signed this asker's nonce")
        } else {
            Check::failed("session-signature-invalid", "the epoch's key did not sign this asker's nonce")
        });
        Some(until)
    }

    fn stamped(&self, stamp: &Stamp) -> Check {
        let message = Stamp::message(stamp.time, &stamp.nonce);
        let known = |key: &Hex<32>| verifies(key, &message, &stamp.signature);
        if self.policy.channel.stamp_keys.iter().any(known) {
            Check::passed("stamp", "a key service that the policy names stamped the time")
        } else {
            Check::failed("stamp-untrusted", "no key service that the policy names stamped the time")
        }
    }

    fn age(&self, stamp: &Stamp, until: Time) -> Check {
        let skew = SKEW.max(self.policy.channel.max_clock_skew.0);
        let at = super::rfc3339(stamp.time);
        if stamp.time > self.now.saturating_add(skew) {
            Check::failed("stamp-in-the-future", format!("stamped {at}, which is still to come"))
        } else if self.now >= until {
            Check::failed("evidence-too-old", format!("stamped {at}, older than the policy takes"))
        } else {
            Check::passed("age", format!("stamped {at}"))
        }
    }
}

/// The platform signed exactly this statement.
fn reports(evidence: &Evidence, facts: &Facts) -> Check {
    let expected = report_data(&evidence.statement.0);
    let same: bool = match evidence.kind {
        Kind::Tpm2 => facts.report_data.ct_eq(&sha256(&expected)).into(),
        _ => facts.report_data.ct_eq(&expected).into(),
    };
    if same {
        Check::passed("report-data", "the platform signed this very statement")
    } else {
        Check::failed("report-data-mismatch", "the platform signed something else than this statement")
    }
}

fn direction(statement: &Statement, question: &Question) -> Check {
    let (came, expected) = (statement.direction.name(), question.direction.name());
    if came == expected {
        Check::passed("direction", format!("stated from {came}"))
    } else {
        Check::failed("direction-mismatch", format!("stated from {came}, where {expected} was asked for"))
    }
}

fn bundle(statement: &Statement, question: &Question) -> Check {
    if statement.bundle == question.bundle {
        Check::passed("bundle", "it serves the bundle that is meant")
    } else {
        Check::failed("bundle-mismatch", "it serves another bundle than the one that is meant")
    }
}

/// The model that the bundle names has been opened, and not another.
fn meant(statement: &Statement, question: &Question) -> Option<Check> {
    let meant = question.model?;
    Some(if statement.model == Some(meant) {
        Check::passed("model", "it has opened the model that is meant")
    } else {
        Check::failed("model-mismatch", "it has not opened the model that is meant")
    })
}

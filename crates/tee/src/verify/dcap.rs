//! To be written.
use super::{Collateral, Facts, Time};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::verdict::Check;

pub(super) fn sgx(
    _: &Evidence,
    _: &Policy,
    _: &Collateral,
    _: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    checks.push(Check::failed("not-supported", "not written yet"));
    None
}
pub(super) fn tdx(
    _: &Evidence,
    _: &Policy,
    _: &Collateral,
    _: Time,
    checks: &mut Vec<Check>,
) -> Option<Facts> {
    checks.push(Check::failed("not-supported", "not written yet"));
    None
}

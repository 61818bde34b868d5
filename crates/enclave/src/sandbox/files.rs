//! No file system, but for what a driver needs.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

use super::{Needs, Remarks, Weight};

/// From here on no file is opened, no address connected to, and no process outside signalled.
pub fn close_file_system(needs: &Needs, remarks: &mut Remarks) {
    let closed = match close(needs.path) {
        Ok(RulesetStatus::NotEnforced) => Err("the kernel has no Landlock".to_owned()),
        Ok(_) => Ok(()),
        Err(e) => Err(e.to_string()),
    };
    remarks.note("no file system", Weight::Essential, closed);
}

fn close(path: Option<&str>) -> Result<RulesetStatus, RulesetError> {
    let newest = ABI::V7;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?;
    // A path that is not there is the driver's to complain of.
    if let Some(path) = path.and_then(|path| PathFd::new(path).ok()) {
        rules = rules.add_rule(PathBeneath::new(path, AccessFs::from_all(newest)))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

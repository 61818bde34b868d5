//! The targets, by where their bytes come from.

mod bundles;
mod evidence;
mod exported;
mod files;
mod hosts;
mod http;
mod messages;
mod oip;
mod peers;
mod replies;
// Its sources bring tests of their own, which are the command line's.
#[cfg(not(test))]
mod rows;
mod tee;
mod training;
mod world;

use crate::target::Target;

/// Every target.
pub fn all() -> impl Iterator<Item = &'static Target> {
    let tables = [
        exported::TARGETS,
        oip::TARGETS,
        http::TARGETS,
        messages::TARGETS,
        peers::TARGETS,
        hosts::TARGETS,
        replies::TARGETS,
        tee::TARGETS,
        training::TARGETS,
        evidence::TARGETS,
        bundles::TARGETS,
        files::TARGETS,
        #[cfg(not(test))]
        rows::TARGETS,
    ];
    tables.into_iter().flatten()
}

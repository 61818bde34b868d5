//! What the program gives up. Each step says in words what came of it; a simulator, and every platform whose kernel is Linux,
//! must have the essential ones or does not serve.

mod calls;
mod files;
mod privileges;

use privet_deploy::Error;

pub use calls::close_system_calls;
pub use files::close_file_system;
pub use privileges::{begin_namespaces, give_up_privileges};

/// What is needed of the machine after the sandbox is closed.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// The file or folder that a driver uses.
    pub path: Option<&'static str>,
    /// Whether the essential steps must have been taken.
    pub isolation: bool,
}

/// What came of each step.
#[derive(Debug, Default)]
pub struct Remarks {
    texts: Vec<String>,
    missing: Vec<&'static str>,
}

/// Whether a program that could not take a step may serve all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It may not.
    Essential,
    /// It may, and says so.
    Helpful,
}

impl Remarks {
    /// Notes a step.
    pub fn note<E: std::fmt::Display>(&mut self, step: &'static str, weight: Weight, result: Result<(), E>) {
        match result {
            Ok(()) => self.texts.push(step.into()),
            Err(why) => {
                self.texts.push(format!("NOT {step}: {why}"));
                if weight == Weight::Essential {
                    self.missing.push(step);
                }
            }
        }
    }

    /// Refuses to serve where an essential step is missing.
    pub fn hold(&self, needs: &Needs) -> Result<(), Error> {
        if !needs.isolation || self.missing.is_empty() {
            return Ok(());
        }
        let text = format!(
            "This machine does not let the enclave's program isolate itself; it lacks: {}. A newer kernel, or a container that \
             allows these, is needed.",
            self.missing.join(", ")
        );
        Err(Error::refused("E376", text))
    }

    /// One sentence for each step.
    pub fn into_texts(self) -> Vec<String> {
        self.texts
    }
}

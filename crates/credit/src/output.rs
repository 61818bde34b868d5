//! What a command prints: answers on standard output, everything else on standard error, progress only to people.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use indicatif::{HumanFloatCount, ProgressBar, ProgressState, ProgressStyle};

use crate::failure::Failure;

/// Prints a line on standard output. A reader that has gone away is no error: the command is of no use to it any more.
pub(crate) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A bar on standard error that appears only where a person looks. `template` is that of `indicatif`, with `{rate}` for whole
/// steps a second.
pub(crate) fn bar(length: u64, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.with_key("rate", rate)),
        Err(_) => bar,
    }
}

fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let _ = write!(out, "{}/s", HumanFloatCount(state.per_sec().round()));
}

/// A count with thin groups of three digits.
pub(crate) fn count(n: u64) -> String {
    indicatif::HumanCount(n).to_string().replace(',', " ")
}

/// `1 row`, `2 rows`.
pub(crate) fn plural(n: u64, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}

/// Writes a file under another name and renames it at the end, so that nobody finds half of one.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = Unfinished::create(path)?;
    file.file.write_all(bytes).map_err(|e| Failure::writing(path, e))?;
    file.finish()
}

/// A file that gets its name when it is finished; dropped before, it leaves nothing behind.
pub(crate) struct Unfinished {
    /// To write to.
    pub(crate) file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Unfinished {
    /// Starts one beside where it will be.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".unfinished-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)
            .map_err(|e| Failure::writing(path, e))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Gives it its name.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Self { file, path } = self;
        file.persist(&path).map(|_| ()).map_err(|e| Failure::writing(&path, e.error))
    }
}

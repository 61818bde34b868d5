//! What this machine has, beside drivers: what isolates a simulated enclave, and what hints at a confidential machine. Everything is
//! read from the kernel's own files; nothing here is evidence of anything.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use serde::Serialize;

use super::sys::landlock_version;

/// Something that a machine has or has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facility {
    /// What it is.
    pub name: &'static str,
    /// Whether it is here.
    pub here: bool,
    /// What was seen, and what to do where it is not here.
    pub detail: String,
}

impl Facility {
    fn new(name: &'static str, found: Result<String, String>) -> Self {
        let here = found.is_ok();
        let (Ok(detail) | Err(detail)) = found;
        Self { name, here, detail }
    }
}

/// A machine by its files.
pub struct Machine {
    root: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self { root: "/".into() }
    }
}

impl Machine {
    /// The machine whose `/proc`, `/sys` and `/dev` are under this folder.
    pub fn under(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// What isolates a simulated enclave from its neighbours. It never isolates it from the machine's owner.
    pub fn isolation(&self) -> Vec<Facility> {
        vec![
            Facility::new("landlock", self.landlock()),
            Facility::new("user-namespaces", self.user_namespaces()),
            Facility::new("seccomp", self.seccomp()),
            Facility::new("memfd-sealing", memfd_sealing()),
            Facility::new("fuse", self.fuse()),
        ]
    }

    /// Signs of a confidential machine, or of a host for some.
    pub fn hints(&self) -> Vec<Facility> {
        let device = |path: &str, says: &str| {
            if self.at(path).exists() { Ok(format!("/{path}: {says}")) } else { Err(format!("no /{path}")) }
        };
        vec![
            Facility::new("sev-snp-guest", device("dev/sev-guest", "this is an SEV-SNP guest")),
            Facility::new("tdx-guest", self.flag("tdx_guest", "this is a TDX guest")),
            Facility::new("nitro-enclave", device("dev/nsm", "this is a Nitro enclave")),
            Facility::new(
                "sev-snp-host",
                self.parameter("kvm_amd/parameters/sev_snp", "this machine can host SEV-SNP guests"),
            ),
            Facility::new(
                "tdx-host",
                self.parameter("kvm_intel/parameters/tdx", "this machine can host TDX guests"),
            ),
            Facility::new("sgx-host", device("dev/sgx_enclave", "this machine can run SGX enclaves")),
            Facility::new(
                "nitro-host",
                device("dev/nitro_enclaves", "this instance can start Nitro enclaves"),
            ),
            Facility::new(
                "hypervisor",
                self.flag("hypervisor", "this is a virtual machine, of whatever kind"),
            ),
        ]
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok().map(|text| text.trim().to_owned())
    }

    /// Asked of the kernel, not looked up.
    fn landlock(&self) -> Result<String, String> {
        let refused = match landlock_version() {
            Ok(version) => return Ok(format!("version {version} of its interface")),
            Err(e) => e,
        };
        let remedy = match self.text("sys/kernel/security/lsm") {
            Some(modules) => format!("start the kernel with `lsm=landlock,{modules}`"),
            None => "it was left out or switched off; start the kernel with `landlock` in `lsm=`".into(),
        };
        Err(format!("{refused}: {remedy}"))
    }

    fn user_namespaces(&self) -> Result<String, String> {
        let most = self.text("proc/sys/user/max_user_namespaces");
        if most.as_deref().is_none_or(|most| most == "0") {
            return Err("none are allowed; `sysctl user.max_user_namespaces=15000` allows them".into());
        }
        for (path, forbidden, setting) in [
            ("proc/sys/kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
            (
                "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1",
                "kernel.apparmor_restrict_unprivileged_userns=0",
            ),
        ] {
            if self.text(path).as_deref() == Some(forbidden) {
                return Err(format!("only root may make them; `sysctl {setting}` allows them to others"));
            }
        }
        Ok("everyone may make them".into())
    }

    fn seccomp(&self) -> Result<String, String> {
        let actions = self.text("proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
        if actions.split_ascii_whitespace().any(|action| action == "kill_process") {
            return Ok("filters that end the process".into());
        }
        Err("the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)".into())
    }

    fn fuse(&self) -> Result<String, String> {
        if self.at("dev/fuse").exists() {
            return Ok("drivers can be tested here over real system calls".into());
        }
        Err("only this project's own tests need it; `modprobe fuse` loads it".into())
    }

    fn flag(&self, flag: &str, says: &str) -> Result<String, String> {
        let processors = self.text("proc/cpuinfo").unwrap_or_default();
        let mut flags =
            processors.lines().filter(|line| line.starts_with("flags") || line.starts_with("Features"));
        if flags.next().is_some_and(|line| line.split_ascii_whitespace().any(|word| word == flag)) {
            return Ok(format!("processor flag `{flag}`: {says}"));
        }
        Err(format!("no processor flag `{flag}`"))
    }

    fn parameter(&self, path: &str, says: &str) -> Result<String, String> {
        match self.text(&format!("sys/module/{path}")).as_deref() {
            Some("Y" | "1") => Ok(format!("/sys/module/{path}: {says}")),
            Some(other) => Err(format!("/sys/module/{path} is `{other}`")),
            None => Err(format!("no /sys/module/{path}")),
        }
    }
}

/// Tried, not looked up: a file in memory that nobody can change once it was measured.
fn memfd_sealing() -> Result<String, String> {
    let sealed = memfd_create("privet-doctor", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC)
        .and_then(|file| fcntl_add_seals(file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW));
    match sealed {
        Ok(()) => Ok("a program can be measured and then started without anyone changing it between".into()),
        Err(e) => Err(format!("files in memory cannot be sealed here: {e}; a newer kernel is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, content).expect("written");
        }
        let machine = Machine::under(folder.path());
        (folder, machine)
    }

    fn here(facilities: &[Facility]) -> Vec<&str> {
        facilities.iter().filter(|f| f.here).map(|f| f.name).collect()
    }

    #[test]
    fn a_machine_with_nothing_has_nothing() {
        let (_folder, machine) = machine(&[]);
        assert_eq!(here(&machine.hints()), [""; 0]);
        let isolation = machine.isolation();
        // Two are asked of the kernel itself.
        let mut looked_up = isolation.iter().filter(|f| !["landlock", "memfd-sealing"].contains(&f.name));
        assert!(looked_up.all(|f| !f.here && !f.detail.is_empty()), "{isolation:?}");
    }

    #[test]
    fn a_usual_kernel_isolates_a_simulator() {
        let (_folder, machine) = machine(&[
            ("proc/sys/user/max_user_namespaces", "15000\n"),
            ("proc/sys/kernel/unprivileged_userns_clone", "1\n"),
            ("proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread errno\n"),
            ("dev/fuse", ""),
        ]);
        let isolation = machine.isolation();
        let here = here(&isolation);
        assert!(
            ["user-namespaces", "seccomp", "fuse"].iter().all(|name| here.contains(name)),
            "{isolation:?}"
        );
    }

    #[test]
    fn what_forbids_a_facility_is_named_with_its_remedy() {
        for (path, content, word) in [
            ("proc/sys/user/max_user_namespaces", "0", "max_user_namespaces=15000"),
            ("proc/sys/kernel/unprivileged_userns_clone", "0", "unprivileged_userns_clone=1"),
            ("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "apparmor_restrict"),
        ] {
            let (_folder, machine) = machine(&[("proc/sys/user/max_user_namespaces", "9"), (path, content)]);
            let refused = machine.user_namespaces().expect_err(path);
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn guests_and_hosts_are_told_apart() {
        let (_folder, guest) = machine(&[
            ("proc/cpuinfo", "flags\t\t: fpu hypervisor tdx_guest\nflags : fpu\n"),
            ("dev/sev-guest", ""),
        ]);
        assert_eq!(here(&guest.hints()), ["sev-snp-guest", "tdx-guest", "hypervisor"]);
        let (_folder, host) = machine(&[
            ("proc/cpuinfo", "flags : fpu tdx_guest_not sgx\n"),
            ("sys/module/kvm_amd/parameters/sev_snp", "Y\n"),
            ("sys/module/kvm_intel/parameters/tdx", "N\n"),
        ]);
        assert_eq!(here(&host.hints()), ["sev-snp-host"]);
    }
}

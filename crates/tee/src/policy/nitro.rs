//! `kind = "nitro"`: which enclave image, and where.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::values::{Bytes, expect_some};

/// Values by register, as in `pcr = { 0 = ["…"], 8 = ["…"] }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers(pub BTreeMap<u8, Vec<Bytes>>);

impl<'de> Deserialize<'de> for Registers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = BTreeMap::<String, Vec<Bytes>>::deserialize(from)?;
        let mut registers = BTreeMap::new();
        for (name, values) in written {
            // One way to write each number, or `8` and `08` could both stand there.
            let number = name.parse::<u8>().ok().filter(|n| n.to_string() == name);
            let number = number.ok_or_else(|| {
                serde::de::Error::custom(format!("`{name}` is no register; expected a number such as 0 or 8"))
            })?;
            registers.insert(number, values);
        }
        Ok(Self(registers))
    }
}

impl Registers {
    /// The numbers are below `count`, each has values, of this length.
    pub(super) fn check(&self, count: u8, length: usize) -> Result<(), String> {
        for (number, values) in &self.0 {
            if *number >= count {
                return Err(format!(
                    "there is no register {number}, the last is {}",
                    count.saturating_sub(1)
                ));
            }
            expect_some(values, &format!("value of register {number}"), &[length])?;
        }
        Ok(())
    }
}

/// Which enclave.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NitroRule {
    /// Values of registers, SHA-384: 0 the image, 1 kernel and boot, 2 the application, 3 the instance's role, 4 the instance,
    /// 8 the image's signing certificate, 16 to 31 the application's own. 0 is required.
    #[serde(default)]
    pub pcr: Registers,
    /// Ids of the modules (instance and enclave) that are believed; nothing: not compared. Ids name a machine only as far as
    /// AWS gives each out once; register 4 pins the instance.
    #[serde(default)]
    pub module_id: Option<Vec<String>>,
    /// There for readers: only `false`.
    #[serde(default)]
    pub debug: bool,
}

/// Registers of a Nitro Enclave.
const REGISTERS: u8 = 32;

impl NitroRule {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.debug {
            return Err(
                "`debug = true`: the host reads the console of such an enclave; it is never believed".into(),
            );
        }
        if !self.pcr.0.contains_key(&0) {
            return Err(
                "`pcr` names no value of register 0, which measures the image; there is no \"any\"".into()
            );
        }
        if self.module_id.as_ref().is_some_and(Vec::is_empty) {
            return Err("`module_id` is an empty list, which nothing matches; leave it out or fill it".into());
        }
        self.pcr.check(REGISTERS, 48)
    }

    pub(super) fn pins_platform(&self) -> bool {
        self.pcr.0.contains_key(&4) || self.module_id.is_some()
    }
}

//! A disk that fails when the test says so (ST-02): `faults.c` stands between the program and its database.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use rustix::io::Errno;

use crate::machine::Machine;

/// The number of a write that there will not be.
const NEVER: u64 = i64::MAX.unsigned_abs();

/// A disk that fails when it is told to.
pub struct Faults {
    told: File,
}

/// How a disk fails.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What a write answers.
    pub error: Errno,
    /// The first that fails, counted from now: 1 is the next.
    pub after: u64,
    /// How many fail in a row.
    pub many: u64,
}

impl Faults {
    /// The disk of `machine`, before anything is started on it.
    ///
    /// # Panics
    /// Where there is no C compiler.
    pub fn on(machine: &mut Machine) -> Self {
        let (library, told) = (machine.path().join("faults.so"), machine.path().join("faults"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/faults.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source).arg("-ldl");
        let built = compiler.output().expect("a C compiler is there");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        fs::write(&told, [0; 32]).unwrap();
        machine.set("LD_PRELOAD", library.to_str().unwrap());
        machine.set("DISK_FAULTS", told.to_str().unwrap());
        let faults = Self { told: File::options().read(true).write(true).open(told).unwrap() };
        faults.heal();
        faults
    }

    /// From here on it fails so.
    pub fn fail(&self, fault: Fault) {
        let first = self.writes() + fault.after;
        // None before all of it is told.
        self.tell(1, NEVER);
        self.tell(3, u64::from(fault.error.raw_os_error().unsigned_abs()));
        self.tell(2, first.saturating_add(fault.many).min(NEVER));
        self.tell(1, first);
    }

    /// From here on it works; how many writes have failed since it was told to.
    pub fn heal(&self) -> u64 {
        let (first, over) = (self.told_of(1), self.told_of(2));
        self.tell(1, NEVER);
        self.tell(2, NEVER);
        (self.writes() + 1).min(over).saturating_sub(first)
    }

    /// Whether as many have failed as were to fail.
    pub fn is_over(&self) -> bool {
        self.writes() + 1 >= self.told_of(2)
    }

    fn writes(&self) -> u64 {
        self.told_of(0)
    }

    fn told_of(&self, index: u64) -> u64 {
        let mut number = [0; 8];
        self.told.read_exact_at(&mut number, index * 8).unwrap();
        u64::from_ne_bytes(number)
    }

    fn tell(&self, index: u64, number: u64) {
        self.told.write_all_at(&number.to_ne_bytes(), index * 8).unwrap();
    }
}

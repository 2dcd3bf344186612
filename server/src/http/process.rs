//! What `/metrics` tells about the process itself, under the names that Prometheus' own libraries use.

use std::fmt::Write as _;
use std::fs;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// The text of a scrape. What the system does not tell is left out.
pub(super) fn text() -> String {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    // Nanoseconds, where `/proc` has hundredths of a second.
    let cpu = format!("{}.{:09}", cpu.tv_sec, cpu.tv_nsec);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = field(&status, "VmRSS:").map(|kibibytes| kibibytes.saturating_mul(1_024));
    let mut text = String::new();
    let mut tell = |name: &str, kind: &str, help: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a String does not fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
    };
    let told = |value: Option<u64>| value.map(|value| value.to_string());
    tell("process_cpu_seconds_total", "counter", "CPU time spent, of the user and of the system.", Some(cpu));
    tell("process_resident_memory_bytes", "gauge", "Memory that is resident.", told(resident));
    tell("process_threads", "gauge", "Threads.", told(field(&status, "Threads:")));
    tell("process_open_fds", "gauge", "File descriptors that are open.", told(open_files()));
    tell("process_max_fds", "gauge", "The limit on open file descriptors.", told(getrlimit(Resource::Nofile).current));
    tell("process_start_time_seconds", "gauge", "When the process started, since 1970.", told(started()));
    text
}

/// The first number behind a name in `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn open_files() -> Option<u64> {
    // Linux tells their number as the length of the directory since 6.2; an older one says 0.
    let told = fs::metadata("/proc/self/fd").ok().map(|directory| directory.len()).filter(|length| *length > 0);
    told.or_else(|| u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok())
}

fn started() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let booted: u64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(booted + ticks_to_start(&stat)? / clock_ticks_per_second().max(1))
}

/// The 22nd field of `/proc/self/stat` (proc_pid_stat(5)). The second, a name in parentheses, may hold anything.
fn ticks_to_start(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> f64 {
        let text = text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.unwrap_or_else(|| panic!("{name} is not told: {text}")).parse().unwrap()
    }

    #[test]
    fn all_of_it_is_told_and_likely() {
        for (name, least, most) in [
            ("process_resident_memory_bytes", 1e6, 1e11),
            ("process_threads", 1.0, 1e5),
            ("process_open_fds", 3.0, 1e6),
            ("process_max_fds", 64.0, 2e19),
            ("process_start_time_seconds", 1.6e9, 1e10),
        ] {
            let value = told(name);
            assert!((least..most).contains(&value), "{name} {value}");
        }
    }

    #[test]
    fn cpu_time_grows_by_less_than_a_hundredth_of_a_second() {
        let before = told("process_cpu_seconds_total");
        let mut looked = 0;
        // The reading itself costs some microseconds.
        let after = loop {
            let now = told("process_cpu_seconds_total");
            looked += 1;
            if now > before || looked > 1_000 {
                break now;
            }
        };
        assert!(after > before);
        assert!(looked < 100, "steps are as coarse as {looked} readings");
    }

    #[test]
    fn a_name_in_parentheses_does_not_shift_the_fields() {
        let rest = (3..=30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(ticks_to_start(&format!("1 (a) b (c)) {rest}")), Some(22));
        assert_eq!(ticks_to_start("1 (a) S"), None);
        assert_eq!(field("Name:\tx\nVmRSS:\t  1234 kB\n", "VmRSS:"), Some(1_234));
    }
}

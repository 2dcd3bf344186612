//! What a load costs: the servers' CPU and memory as their `/metrics` tell them, and the generator's own CPU.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::http::Api;

/// What one look at a server's `/metrics` tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// CPU seconds of the process so far.
    pub cpu: f64,
    /// Resident memory, in bytes.
    pub resident: u64,
    /// Requests that wait for a decision or a challenge.
    pub waiting: u64,
}

impl Reading {
    /// Looks. `None` where there are no such metrics, as on a listener for phones alone.
    pub async fn of(api: &Api) -> Option<Self> {
        let answer = api.raw("GET", "/metrics", &[], Vec::new()).await.ok()?;
        if answer.status == 200 { Self::read(&answer.text()) } else { None }
    }

    fn read(text: &str) -> Option<Self> {
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Some(Self {
            cpu: value("process_cpu_seconds_total")?.parse().ok()?,
            resident: value("process_resident_memory_bytes")?.parse().ok()?,
            waiting: value("gatematch_waiting")?.parse().ok()?,
        })
    }
}

/// What the load cost one server.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServerCost {
    /// Its address.
    pub server: String,
    /// CPU seconds that its process spent meanwhile; its database's are not among them, where that is another process.
    pub cpu_seconds: f64,
    /// The part of all logins' cost that it bore: its CPU milliseconds for each login of all, failed ones too. `None` where it
    /// told nothing at the end.
    pub cpu_ms_per_login: Option<f64>,
    /// Resident memory before, in MiB.
    pub resident_before_mib: f64,
    /// The most that was seen, about once a second.
    pub resident_peak_mib: f64,
    /// Resident memory afterwards.
    pub resident_after_mib: f64,
}

struct Watched {
    api: Api,
    first: Reading,
    last: Reading,
    peak: u64,
    /// Whether it told something when it was looked at last.
    told: bool,
}

/// Watches servers, and this process.
pub struct Meter {
    watched: Vec<Watched>,
    own_cpu: Duration,
    began: Instant,
}

impl Meter {
    /// Begins to measure. A server that tells nothing is left out.
    pub async fn start(servers: impl Iterator<Item = &Api>) -> Self {
        let mut watched = Vec::new();
        for api in servers {
            if let Some(first) = Reading::of(api).await {
                watched.push(Watched { api: api.clone(), first, last: first, peak: first.resident, told: true });
            }
        }
        Self { watched, own_cpu: own_cpu(), began: Instant::now() }
    }

    /// Looks again, for the most memory.
    pub async fn look(&mut self) {
        for watched in &mut self.watched {
            let reading = Reading::of(&watched.api).await;
            watched.told = reading.is_some();
            if let Some(now) = reading {
                watched.last = now;
                watched.peak = watched.peak.max(now.resident);
            }
        }
    }

    /// What it cost so far each server, by the last look, shared among so many logins.
    #[must_use]
    pub fn cost(&self, logins: u64) -> Vec<ServerCost> {
        let cost = |watched: &Watched| {
            let cpu = (watched.last.cpu - watched.first.cpu).max(0.0);
            ServerCost {
                server: watched.api.base().to_owned(),
                cpu_seconds: cpu,
                cpu_ms_per_login: (logins > 0 && watched.told).then(|| cpu * 1_000.0 / logins as f64),
                resident_before_mib: mebibytes(watched.first.resident),
                resident_peak_mib: mebibytes(watched.peak),
                resident_after_mib: mebibytes(watched.last.resident),
            }
        };
        self.watched.iter().map(cost).collect()
    }

    /// The part of this machine's processors that this process has taken so far: 0 to 1.
    #[must_use]
    pub fn own_share(&self) -> f64 {
        let spent = own_cpu().saturating_sub(self.own_cpu).as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let offered = self.began.elapsed().as_secs_f64() * cores as f64;
        if offered > 0.0 { spent / offered } else { 0.0 }
    }
}

/// CPU that this process has spent.
fn own_cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(spent.tv_nsec).unwrap_or_default())
}

pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_by_their_whole_names() {
        let text = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.250000000\n\
            process_resident_memory_bytes_max 7\nprocess_resident_memory_bytes 2097152\ngatematch_waiting 3\n";
        let read = Reading::read(text).unwrap();
        assert_eq!(read, Reading { cpu: 1.25, resident: 2_097_152, waiting: 3 });
        assert!((mebibytes(read.resident) - 2.0).abs() < 1e-9);
        assert_eq!(Reading::read("gatematch_waiting 3\n"), None, "a server of before these were told");
    }
}

//! Measures: a closure's time and allocations in this process, a whole process's wall time, CPU and peak memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Microseconds of a tick in `/proc`, which are a hundredth of a second on every platform of ours.
const TICK: u64 = 10_000;

/// Counts what is allocated; everything else is the system's.
#[derive(Debug)]
pub(crate) struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

#[expect(
    unsafe_code,
    reason = "an allocator that counts can only be written so; it forwards every call unchanged"
)]
// SAFETY: every method forwards its arguments unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `GlobalAlloc::dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(size as u64, Ordering::Relaxed);
        // SAFETY: the caller keeps `GlobalAlloc::realloc`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What one call costs in this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Processor time of the fastest of all rounds: what the code costs when nothing disturbs it.
    pub(crate) minimum: Duration,
    /// The median of the rounds.
    pub(crate) median: Duration,
    /// Allocations of one call.
    pub(crate) allocations: u64,
    /// Bytes allocated by one call.
    pub(crate) bytes: u64,
}

/// Something to measure.
pub(crate) type Work<'a> = &'a mut dyn FnMut();

/// The processor time of this thread so far: on a busy machine a round does not pay for the time that others had.
fn processor_time() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// The processor time in microseconds of this process so far, or of others, where the system says it.
pub(crate) fn processor_time_of(processes: Option<Vec<u32>>) -> u64 {
    let Some(processes) = processes else {
        return nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)
            .map_or(0, |usage| {
                micros(usage.user_time()) + micros(usage.system_time())
            });
    };
    let ticks = |process: u32| -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // proc(5): the name, in parentheses, is the second field, `utime` and `stime` are the 14th and the 15th.
        let (_, fields) = text.rsplit_once(')')?;
        let mut times = fields.split_whitespace().skip(11);
        let mut time = || times.next()?.parse::<u64>().ok();
        Some(time()? + time()?)
    };
    processes.into_iter().filter_map(ticks).sum::<u64>() * TICK
}

fn micros(time: nix::sys::time::TimeVal) -> u64 {
    time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64
}

/// Runs each of `works` in turn until about `budget` is spent, at least ten times: what disturbs the machine for longer than
/// a round disturbs all of them.
pub(crate) fn costs<const N: usize>(budget: Duration, works: [Work<'_>; N]) -> Costs<N> {
    let mut counted = [(0, 0); N];
    let mut rounds: Vec<[Duration; N]> = Vec::new();
    let mut works = works;
    for (work, counted) in works.iter_mut().zip(&mut counted) {
        work();
        let before = (
            ALLOCATIONS.load(Ordering::Relaxed),
            BYTES.load(Ordering::Relaxed),
        );
        work();
        *counted = (
            ALLOCATIONS.load(Ordering::Relaxed) - before.0,
            BYTES.load(Ordering::Relaxed) - before.1,
        );
    }
    let start = Instant::now();
    while rounds.len() < 10 || start.elapsed() < budget {
        let mut round = [Duration::ZERO; N];
        for (work, time) in works.iter_mut().zip(&mut round) {
            let begin = processor_time();
            work();
            *time = processor_time().saturating_sub(begin);
        }
        rounds.push(round);
    }
    Costs { counted, rounds }
}

/// What several things cost that ran in turn.
#[derive(Debug)]
pub(crate) struct Costs<const N: usize> {
    counted: [(u64, u64); N],
    rounds: Vec<[Duration; N]>,
}

impl<const N: usize> Costs<N> {
    /// What one of them cost.
    pub(crate) fn of(&self, position: usize) -> Cost {
        let mut times: Vec<Duration> = self.times(position).collect();
        times.sort_unstable();
        let (allocations, bytes) = self.counted.get(position).copied().unwrap_or_default();
        Cost {
            minimum: times.first().copied().unwrap_or_default(),
            median: times.get(times.len() / 2).copied().unwrap_or_default(),
            allocations,
            bytes,
        }
    }

    /// The times of one of them, round by round.
    fn times(&self, position: usize) -> impl Iterator<Item = Duration> {
        self.rounds
            .iter()
            .filter_map(move |round| round.get(position).copied())
    }

    /// The median, over the rounds, of one's time as a ratio to the sum of others' in the same round.
    pub(crate) fn ratio(&self, position: usize, to: std::ops::Range<usize>) -> f64 {
        let mut sums = vec![Duration::ZERO; self.rounds.len()];
        for other in to {
            for (sum, time) in sums.iter_mut().zip(self.times(other)) {
                *sum += time;
            }
        }
        let mut ratios: Vec<f64> = self
            .times(position)
            .zip(sums)
            .map(|(time, sum)| time.as_secs_f64() / sum.as_secs_f64())
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or_default()
    }
}

/// What a whole process costs.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct ProcessCost {
    /// Wall time of the fastest run, in microseconds.
    pub(crate) wall_minimum: u64,
    /// Median wall time, in microseconds.
    pub(crate) wall_median: u64,
    /// User and system time of a run, averaged, in microseconds.
    pub(crate) cpu: u64,
    /// The largest resident set of any run, in KiB.
    pub(crate) peak: u64,
    /// The exit code of the last run.
    pub(crate) code: i32,
}

/// The first argument that makes this program measure another one instead of printing the report.
pub(crate) const MEASURE: &str = "measure-process";

/// Runs `command` `rounds` times in a helper process of its own, so that its peak memory is told from everything else's.
///
/// # Errors
///
/// When the helper can't be started or answers nothing.
pub(crate) fn process(rounds: u32, command: &[String]) -> std::io::Result<ProcessCost> {
    let output = Command::new(std::env::current_exe()?)
        .arg(MEASURE)
        .arg(rounds.to_string())
        .args(command)
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&output.stdout).map_err(std::io::Error::other)
}

/// What every measured program is given: no configuration but this folder's, the password of the benchmark's keys.
pub(crate) fn environment() -> [(&'static str, String); 4] {
    let here = std::env::current_dir()
        .map(|folder| folder.display().to_string())
        .unwrap_or_default();
    [
        ("HOME", here.clone()),
        ("DOCKER_CONFIG", here),
        ("COSIGN_PASSWORD", "pw".to_owned()),
        ("COUNTERSIGN_PASSWORD", "pw".to_owned()),
    ]
}

/// What the helper process does: runs the command and reads what its children cost.
///
/// # Errors
///
/// When the command can't be started.
pub(crate) fn as_helper(rounds: u32, command: &[String]) -> std::io::Result<ProcessCost> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| std::io::Error::other("no command"))?;
    let mut walls = Vec::new();
    let mut code = 0;
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        let status = Command::new(program)
            .args(arguments)
            .envs(environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        walls.push(start.elapsed().as_micros() as u64);
        code = status.code().unwrap_or(-1);
    }
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    walls.sort_unstable();
    Ok(ProcessCost {
        wall_minimum: walls.first().copied().unwrap_or_default(),
        wall_median: walls.get(walls.len() / 2).copied().unwrap_or_default(),
        cpu: (micros(usage.user_time()) + micros(usage.system_time())) / u64::from(rounds.max(1)),
        peak: usage.max_rss() as u64,
        code,
    })
}

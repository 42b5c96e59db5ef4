//! What a command works with: the printer, the settings, the clock, the environment and, when it is needed, the runtime.

use std::num::NonZero;
use std::sync::Arc;

use countersign_formats::UnixTime;
use countersign_registry::Budget;
use tokio::runtime::{Builder, Runtime};

use crate::clock;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::settings::Global;

/// Threads at most that move bytes.
const MOVERS: usize = 4;

/// Everything that a command may touch besides its own settings.
pub(crate) struct Context<'a, 'b> {
    pub(crate) printer: &'a mut Printer<'b>,
    pub(crate) global: Global,
    /// Whether somebody watches standard error.
    pub(crate) terminal: bool,
    /// The moment by which everything in this run is judged.
    pub(crate) now: UnixTime,
    /// The one deadline of the command, whatever number of registries and images it is about.
    pub(crate) deadline: Arc<Budget>,
}

impl<'a, 'b> Context<'a, 'b> {
    pub(crate) fn new(printer: &'a mut Printer<'b>, global: Global, terminal: bool) -> Self {
        let terminal = terminal && !printer.is_json();
        let deadline = Arc::new(Budget::new(global.timeout));
        Self {
            printer,
            global,
            terminal,
            now: clock::now(),
            deadline,
        }
    }

    /// The value of an environment variable that is not a flag's.
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// A runtime of one thread, which is built where it is needed because most commands need none.
    pub(crate) fn runtime(&self) -> Result<Runtime, Failure> {
        Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| no_runtime(&error))
    }

    /// A runtime for what moves many bytes: each is received, hashed and sent on, and one processor may be slower than the network.
    pub(crate) fn runtime_of_several_threads(&self) -> Result<Runtime, Failure> {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Builder::new_multi_thread()
            .worker_threads(processors.min(MOVERS))
            .enable_all()
            .build()
            .map_err(|error| no_runtime(&error))
    }
}

fn no_runtime(error: &std::io::Error) -> Failure {
    Failure::internal(
        "runtime",
        format!("cannot start the runtime: {}", crate::failure::words(error)),
    )
    .hint("the machine may be out of file handles or memory")
}

//! What a command works with: the printer, the settings, the clock, the environment and, when it is needed, the runtime.

use std::sync::Arc;

use countersign_formats::UnixTime;
use countersign_registry::Budget;

use crate::clock;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::settings::Global;

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
    pub(crate) fn runtime(&self) -> Result<tokio::runtime::Runtime, Failure> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Failure::internal(
                    "runtime",
                    format!(
                        "cannot start the runtime: {}",
                        crate::failure::words(&error)
                    ),
                )
                .hint("the machine may be out of file handles or memory")
            })
    }
}

//! The `countersign` program: hands the process to the library and ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign_cli::main()
}

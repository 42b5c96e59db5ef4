//! One report of speed and memory, every figure beside the raw cost or a peer's in the same run: `just bench`.
#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a report is printed; a benchmark that can't set up its own scene has nothing to report"
)]

mod evidence;
mod in_process;
mod measure;
mod moving;
mod policies;
mod whole_programs;

#[global_allocator]
static ALLOCATOR: measure::Counting = measure::Counting;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == measure::MEASURE => {
            let (rounds, command) = rest
                .split_first()
                .ok_or_else(|| std::io::Error::other("no rounds"))?;
            let rounds = rounds.parse().map_err(std::io::Error::other)?;
            println!(
                "{}",
                serde_json::to_string(&measure::as_helper(rounds, command)?)?
            );
        }
        Some((first, rest)) if first == "copies" => {
            moving::compare(rest.first().map(String::as_str));
        }
        Some((only, [])) if only == "evidence" => whole_programs::evidence(),
        Some((first, _)) if first == "policies" => policies::compare(),
        _ => {
            in_process::small_bundles();
            in_process::large_statement();
            policies::compare();
            whole_programs::compare();
            moving::compare(None);
        }
    }
    Ok(())
}

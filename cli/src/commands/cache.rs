//! `cache show` and `cache clear`: the evidence that was fetched before.

use countersign_formats::UnixTime;
use serde_json::json;

use super::Done;
use crate::arguments::CacheCommand;
use crate::context::Context;
use crate::escape::field;
use crate::failure::Failure;
use crate::stores;

pub(crate) fn run(command: &CacheCommand, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let cache = stores::cache(context).ok_or_else(|| {
        Failure::usage(
            "no-cache",
            "there is no cache: nothing says where it would be",
        )
        .hint("set `XDG_CACHE_HOME` or `HOME`, or name a directory with `--cache-dir DIR`")
    })?;
    let directory = cache.directory().display().to_string();
    match command {
        CacheCommand::Show => {
            let contents = cache.contents()?;
            let oldest = contents
                .oldest
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .and_then(|since| i64::try_from(since.as_secs()).ok())
                .map(|seconds| UnixTime(seconds).to_string());
            context.printer.line(&field(&directory));
            context.printer.say(&format!(
                "{} manifests and blobs, {} listings, {} of at most {} bytes",
                contents.contents,
                contents.listings,
                contents.bytes,
                cache.limit()
            ));
            Ok(Done::pass(json!({
                "directory": directory,
                "contents": contents.contents,
                "listings": contents.listings,
                "bytes": contents.bytes,
                "limit": cache.limit(),
                "oldest": oldest,
            })))
        }
        CacheCommand::Clear => {
            let removed = cache.clear()?;
            context.printer.say(&format!(
                "{} files of {} bytes removed from {}",
                removed.files,
                removed.bytes,
                field(&directory)
            ));
            Ok(Done::pass(json!({
                "directory": directory,
                "removed": removed.files,
                "bytes": removed.bytes,
            })))
        }
    }
}

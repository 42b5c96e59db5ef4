//! The TUF client against repositories that are honest and against all that a mirror can do.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod attacks;
mod cache;
mod served;

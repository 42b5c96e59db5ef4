//! Policies as documents, and what a judge makes of real evidence.

mod documents;
mod judge;
mod road;

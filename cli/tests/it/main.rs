//! The program as a whole: real processes on layouts, files and loopback registries.

mod blobs;
mod demonstration;
mod images;
mod keys;
mod loopback;
mod messages;
mod output;
mod program;
mod refusals;
mod scripted;
mod table;
mod workshop;

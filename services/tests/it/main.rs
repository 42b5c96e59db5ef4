//! The clients against a loopback server that answers as it is told.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod entries;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod logins;
#[cfg(test)]
#[cfg(test)]
mod selections;
#[cfg(test)]
mod server;
#[cfg(test)]
mod timestamps;
#[cfg(test)]
mod tokens;

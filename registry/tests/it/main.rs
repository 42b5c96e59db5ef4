//! The HTTP client against scripted servers on loopback: each rule of its own has a test, and what it must not refuse.

#[cfg(test)]
mod authentication;
#[cfg(test)]
mod blobs;
#[cfg(test)]
mod guarded_logins;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod pulling;
#[cfg(test)]
mod pushing;
#[cfg(test)]
mod referring;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tags;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod ways;

//! Keys as other tools leave them, and signatures that prove themselves.

#[cfg(test)]
mod files;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod signing;

//! Identity tokens: where they come from, and what must be true of one before it is sent.
//!
//! An [`IdentityToken`] is text that says things about itself. [`IdentityToken::check`] turns it into a [`CheckedToken`], which is
//! what [`Fulcio`](crate::Fulcio) takes. The token's signature is the business of whoever receives it.

pub(crate) mod ambient;
pub(crate) mod authorization;
mod browser;
pub(crate) mod callback;
mod check;
pub(crate) mod device;
mod file;
pub(crate) mod issuer;
mod login_error;
#[cfg(unix)]
pub(crate) mod spiffe;
mod token;

pub use ambient::Ambient;
pub use browser::browser_login;
pub use check::{CheckedToken, Expected, TokenError};
pub use device::{DevicePrompt, device_login};
pub use file::{token_from_file, token_from_reader};
pub use issuer::{Issuer, LoginSettings};
pub use login_error::LoginError;
pub use token::IdentityToken;

/// The audience of tokens for signing.
pub const AUDIENCE: &str = "sigstore";

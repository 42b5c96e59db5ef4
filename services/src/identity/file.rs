//! Tokens in files.

use std::io::Read;

use countersign_formats::Limits;

use super::{IdentityToken, TokenError};

/// Reads the token in a file.
///
/// # Errors
/// [`TokenError::File`], and what [`IdentityToken::parse`] returns.
pub fn token_from_file(path: &str, limits: &Limits) -> Result<IdentityToken, TokenError> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    token_from_reader(file, path, limits)
}

/// Reads the token that a reader gives, such as standard input; `name` is for errors.
///
/// # Errors
/// As [`token_from_file`].
pub fn token_from_reader(
    reader: impl Read,
    name: &str,
    limits: &Limits,
) -> Result<IdentityToken, TokenError> {
    // One byte more than a token may have tells a long one from one that fits; white space is not counted.
    let cap = limits.token_bytes.saturating_add(1024);
    let mut text = zeroize::Zeroizing::new(String::new());
    reader
        .take(cap)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(name, &error))?;
    IdentityToken::parse(&text, limits)
}

fn unreadable(path: &str, error: &std::io::Error) -> TokenError {
    TokenError::File {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use countersign_formats::Limits;

    use super::{token_from_file, token_from_reader};

    #[test]
    fn a_token_is_read_and_an_endless_one_is_not() {
        let limits = Limits::DEFAULT;
        // {"iss":"https://i","sub":"s"}
        let text = "e30.eyJpc3MiOiJodHRwczovL2kiLCJzdWIiOiJzIn0.c2ln\n";
        let token = token_from_reader(text.as_bytes(), "-", &limits).unwrap();
        assert_eq!(token.unverified_issuer(), "https://i");
        let endless = token_from_reader(std::io::repeat(b'a'), "-", &limits);
        assert_eq!(endless.unwrap_err().code(), "token-too-long");
        assert_eq!(
            token_from_file("/nonexistent/token", &limits)
                .unwrap_err()
                .code(),
            "token-file"
        );
    }
}

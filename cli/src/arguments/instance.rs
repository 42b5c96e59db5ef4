//! A service as `trust create` and `signing-config create` take it, in the notation of cosign.

use std::collections::BTreeMap;
use std::str::FromStr;

/// The names that some command knows; which of them it wants it says itself.
const NAMES: [&str; 8] = [
    "api-version",
    "certificate-chain",
    "end-time",
    "operator",
    "origin",
    "public-key",
    "start-time",
    "url",
];

/// Pairs `name=value`, separated by commas.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Instance {
    text: String,
    values: BTreeMap<String, String>,
}

impl Instance {
    /// The value under a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The names that are set and not among these.
    pub(crate) fn other_than(&self, known: &[&str]) -> Option<&str> {
        self.values
            .keys()
            .map(String::as_str)
            .find(|name| !known.contains(name))
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Instance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut values = BTreeMap::new();
        for pair in text.split(',') {
            let Some((name, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty())
            else {
                return Err("write pairs NAME=VALUE with commas between them".to_owned());
            };
            if !NAMES.contains(&name) {
                return Err(format!("the names are {}", NAMES.join(", ")));
            }
            if values.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(format!("`{name}` stands there twice"));
            }
        }
        Ok(Self {
            text: text.to_owned(),
            values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_once_each_and_only_those_that_are_known() {
        let instance: Instance = "url=https://a/?b=c,start-time=2026-01-01T00:00:00Z"
            .parse()
            .unwrap();
        assert_eq!(instance.get("url"), Some("https://a/?b=c"));
        assert_eq!(instance.other_than(&["url"]), Some("start-time"));
        for text in ["", "url", "url=", "url=a,url=b", "uri=a", "url=a,"] {
            assert!(text.parse::<Instance>().is_err(), "{text}");
        }
    }
}

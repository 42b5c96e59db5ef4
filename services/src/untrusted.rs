//! Each reader of what a service answers, and of what a browser brings back, without the network: what `fuzz/` feeds. No part of the
//! interface.

use countersign_formats::Limits;

use crate::fulcio::{Answer, CertificateChain};
use crate::http::{error_code, error_words};
use crate::identity::ambient::read_member;
use crate::identity::authorization::id_token;
use crate::identity::callback::{self, ExpectedReturn};
use crate::identity::device::Begun;
use crate::identity::issuer::Discovery;
use crate::identity::spiffe;
use crate::rekor::entry_json;
use crate::timestamp::response::Response;

/// Whether bytes are an answer of one kind.
pub type Read = fn(&[u8], &Limits) -> bool;

/// Every reader, by the name of what it reads.
pub const READERS: &[(&str, Read)] = &[
    ("Fulcio's answer", |body, limits| {
        Answer::parse(body, limits).is_ok()
    }),
    ("certificate", |body, _| {
        CertificateChain::of_leaf(body.to_vec().into()).is_some()
    }),
    ("Rekor 1's answer", |body, limits| {
        entry_json::version_1(body, limits).is_ok()
    }),
    ("Rekor 1's search", |body, limits| {
        entry_json::version_1_found(body, limits).is_ok()
    }),
    ("Rekor 2's answer", |body, limits| {
        entry_json::version_2(body, limits).is_ok()
    }),
    ("timestamp answer", |body, _| Response::parse(body).is_ok()),
    ("discovery document", |body, limits| {
        Discovery::parse(body, limits).is_ok()
    }),
    ("device login", |body, limits| {
        Begun::parse(body, limits).is_ok()
    }),
    ("token answer", |body, limits| {
        id_token(body, limits).is_ok()
    }),
    ("token of a build system", |body, limits| {
        read_member(body, "value", limits).is_ok()
    }),
    ("SPIFFE answer", |body, _| spiffe::read(body).is_some()),
    ("refusal", |body, _| {
        error_words(body, &[]).is_some() || error_code(body).is_some()
    }),
];

/// Whether the head of a request ends a login with this state, which waits at port 80 of this machine for an answer of
/// `https://issuer.example`, and whether with a code; `None` when it is not for a login.
pub fn login_return(head: &[u8], state: &str) -> Option<bool> {
    let hosts = ["localhost:80", "127.0.0.1:80"].map(str::to_owned);
    let issuer = "https://issuer.example";
    callback::returns(head, &hosts, &ExpectedReturn { state, issuer })
}

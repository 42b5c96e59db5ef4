//! Lists of tags, page by page.

use countersign_registry::Store;

use crate::server::{Answer, Server, code, run, settings};

#[test]
fn tags_are_read_page_by_page() {
    let server = Server::start(|asked| {
        let answer = Answer::status(200);
        match asked.target.as_str() {
            "/v2/acme/app/tags/list" => answer
                .with("Link", "</v2/acme/app/tags/list?last=b&n=2>; rel=\"next\"")
                .body(r#"{"name":"a","tags":["a","b"]}"#),
            "/v2/acme/app/tags/list?last=b&n=2" => answer
                .with("Link", "<?last=c>; rel=next")
                .body(r#"{"tags":["c"]}"#),
            _ => answer.body(r#"{"tags":null}"#),
        }
    });
    assert_eq!(
        run(server.store(&settings()).tags()).unwrap(),
        ["a", "b", "c"]
    );
}

#[test]
fn pages_without_end_or_elsewhere_are_refused() {
    let server = Server::start(|_| {
        Answer::status(200)
            .with("Link", "<?x>; rel=\"next\"")
            .body(r#"{"tags":["a"]}"#)
    });
    assert_eq!(code(run(server.store(&settings()).tags())), "over-limit");
    let elsewhere = Server::start(|_| Answer::status(200).body(r#"{"tags":["evil"]}"#));
    let link = format!(
        "<{}>; rel=\"next\"",
        elsewhere.url("/v2/acme/app/tags/list")
    );
    let server = Server::start(move |_| {
        Answer::status(200)
            .with("Link", link.clone())
            .body(r#"{"tags":["a"]}"#)
    });
    assert_eq!(
        code(run(server.store(&settings()).tags())),
        "target-refused"
    );
    assert_eq!(elsewhere.connections(), 0);
}

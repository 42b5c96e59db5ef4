//! The explanation as one HTML page that loads nothing, runs nothing and shows evidence as text only.

use std::fmt::Write as _;

use super::{Mark, Node, Section, View};
use crate::escape::markup;

/// What the page looks like; nothing of it comes from outside.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2128;--soft:#57606a;--line:#d0d7de;--ground:#fff;--card:#f6f8fa;--good:#1a7f37;--bad:#b42318;--open:#9a6700}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--ground:#0d1117;--card:#161b22;--good:#3fb950;--bad:#ff7b72;--open:#d29922}}\
*{box-sizing:border-box}body{margin:0 auto;max-width:70rem;padding:1.5rem;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\
h1{font-size:1.25rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}\
header{border:1px solid var(--line);border-left:.4rem solid var(--soft);border-radius:.4rem;background:var(--card);padding:1rem}\
header.pass{border-left-color:var(--good)}header.fail{border-left-color:var(--bad)}header.unknown{border-left-color:var(--open)}\
.badge{display:inline-block;font-size:.75rem;font-weight:600;border:1px solid currentcolor;border-radius:1rem;padding:0 .6rem;margin-right:.5rem;white-space:nowrap}\
.pass>.badge,.badge.pass{color:var(--good)}.fail>.badge,.badge.fail{color:var(--bad)}.unknown>.badge,.badge.unknown{color:var(--open)}\
p{margin:.4rem 0}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .9rem;margin:.4rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
dd,.title{font-family:ui-monospace,monospace;font-size:.85rem}ul{list-style:none;margin:.3rem 0;padding-left:1rem;border-left:1px solid var(--line)}\
section>ul{padding-left:0;border-left:0}li{margin:.5rem 0}.title{overflow-wrap:anywhere}summary{cursor:pointer;color:var(--soft)}footer{margin-top:2rem;color:var(--soft);font-size:.85rem}";

/// The page for `view`.
pub(crate) fn page(view: &View) -> String {
    let mut out = String::new();
    let class = class(view.mark);
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"referrer\" content=\"no-referrer\">\n");
    let name = markup(&view.name);
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        out,
        "<title>{}: {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        view.mark.word()
    );
    let _ = writeln!(
        out,
        "<header class=\"{class}\"><h1 class=\"{class}\"><span class=\"badge\">{}</span>{name}</h1>\n<p>{}</p>",
        view.mark.word(),
        markup(&view.verdict)
    );
    facts(&mut out, &view.facts);
    out.push_str("</header>\n");
    // What to do comes first on a page; a terminal shows its end, and has it last.
    let (end, start): (Vec<&Section>, Vec<&Section>) =
        view.sections.iter().rev().partition(|section| {
            section.title.starts_with("What") || section.title.starts_with("Nearest")
        });
    for section in end.into_iter().chain(start.into_iter().rev()) {
        write_section(&mut out, section);
    }
    out.push_str("<footer>Written by countersign policy explain. What a piece says of itself is shown as it stands; only what is marked as proven was proven.</footer>\n</body>\n</html>\n");
    out
}

fn write_section(out: &mut String, section: &Section) {
    let _ = writeln!(out, "<section>\n<h2>{}</h2>", markup(section.title));
    if let Some(lead) = &section.lead {
        let _ = writeln!(out, "<p>{}</p>", markup(lead));
    }
    list(out, &section.nodes.iter().collect::<Vec<_>>());
    out.push_str("</section>\n");
}

fn list(out: &mut String, nodes: &[&Node]) {
    if nodes.is_empty() {
        return;
    }
    out.push_str("<ul>\n");
    for node in nodes {
        let class = class(node.mark);
        let _ = write!(out, "<li class=\"{class}\">");
        if node.mark != Mark::Plain {
            let _ = write!(out, "<span class=\"badge\">{}</span>", node.mark.word());
        }
        let _ = writeln!(out, "<span class=\"title\">{}</span>", markup(&node.title));
        facts(out, &node.facts);
        let (checks, inner): (Vec<&Node>, Vec<&Node>) = node
            .inner
            .iter()
            .partition(|inner| inner.title.starts_with("proven: "));
        if !checks.is_empty() {
            let _ = writeln!(
                out,
                "<details><summary>{} checks were made</summary>",
                checks.len()
            );
            list(out, &checks);
            out.push_str("</details>\n");
        }
        list(out, &inner);
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

fn facts(out: &mut String, facts: &[(&'static str, String)]) {
    if facts.is_empty() {
        return;
    }
    out.push_str("<dl>\n");
    for (name, value) in facts {
        let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", markup(name), markup(value));
    }
    out.push_str("</dl>\n");
}

fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Pass => "pass",
        Mark::Fail => "fail",
        Mark::Unknown => "unknown",
        Mark::Plain => "plain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile(text: &str) -> View {
        View {
            name: text.to_owned(),
            mark: Mark::Fail,
            verdict: text.to_owned(),
            facts: vec![("fact", text.to_owned())],
            sections: vec![Section {
                title: "Evidence",
                lead: Some(text.to_owned()),
                nodes: vec![Node {
                    mark: Mark::Unknown,
                    title: text.to_owned(),
                    facts: vec![("where", text.to_owned())],
                    inner: vec![Node {
                        mark: Mark::Plain,
                        title: format!("proven: {text}"),
                        facts: Vec::new(),
                        inner: Vec::new(),
                    }],
                }],
            }],
        }
    }

    /// The page with every element of our own taken out.
    fn without_own_tags(page: &str) -> String {
        let mut rest = page.to_owned();
        for tag in [
            "!doctype", "html", "head", "meta", "title", "style", "body", "header", "h1", "h2",
            "span", "p", "dl", "dt", "dd", "section", "ul", "li", "details", "summary", "footer",
        ] {
            rest = rest.replace(&format!("</{tag}>"), "");
            while let Some(start) = rest
                .find(&format!("<{tag} "))
                .or_else(|| rest.find(&format!("<{tag}>")))
            {
                let end = rest.split_at(start).1.find('>').unwrap() + start;
                rest.replace_range(start..=end, "");
            }
        }
        rest
    }

    #[test]
    fn evidence_is_text_whatever_it_says() {
        for hostile_text in [
            "<script>alert(1)</script>",
            "</style><script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "' onmouseover='alert(1)",
            "<!-- --><a href=\"javascript:alert(1)\">x</a>",
            "&lt;script&gt;",
            "\u{202e}gnp.exe\u{0}\u{1b}[2J",
            "</title><iframe src=//evil>",
            "{{constructor.constructor('alert(1)')()}}",
        ] {
            let page = page(&hostile(hostile_text));
            let rest = without_own_tags(&page);
            assert!(!rest.contains('<'), "{hostile_text}: {rest}");
            assert!(!page.contains(['\u{202e}', '\u{0}', '\u{1b}']));
            assert!(
                !page.contains("<script") && !page.contains("<img"),
                "{page}"
            );
        }
        let page = page(&hostile("&lt;"));
        assert!(page.contains("&amp;lt;"), "{page}");
    }

    #[test]
    fn the_page_names_no_resource() {
        let page = page(&hostile("x"));
        for word in [
            "src=", "href=", "url(", "@import", "<link", "<script", "http://", "https://",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

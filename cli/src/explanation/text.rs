//! The explanation as lines for a terminal.

use super::{Mark, Node, View};

/// The lines of `view`; `all` adds every check that was made.
pub(crate) fn lines(view: &View, all: bool) -> Vec<String> {
    let mut lines = vec![
        format!("{}: {}", view.mark.word(), view.name),
        format!("  {}", view.verdict),
    ];
    for (name, value) in &view.facts {
        lines.push(format!("  {name}: {value}"));
    }
    for section in &view.sections {
        lines.push(String::new());
        lines.push(section.title.to_owned());
        if let Some(lead) = &section.lead {
            lines.push(format!("  {lead}"));
        }
        for node in &section.nodes {
            add(node, 1, all, &mut lines);
        }
    }
    lines
}

fn add(node: &Node, depth: usize, all: bool, lines: &mut Vec<String>) {
    // Rules nest 64 deep; what is further in stands no further to the right.
    let indent = "  ".repeat(depth.min(32));
    let mark = match node.mark {
        Mark::Plain => "- ".to_owned(),
        mark => format!("[{}] ", mark.word()),
    };
    lines.push(format!("{indent}{mark}{}", node.title));
    for (name, value) in &node.facts {
        lines.push(format!("{indent}    {name}: {value}"));
    }
    let (checks, inner): (Vec<&Node>, Vec<&Node>) = node
        .inner
        .iter()
        .partition(|inner| inner.title.starts_with("proven: "));
    if all {
        for check in checks {
            lines.push(format!("{indent}    {}", check.title));
        }
    } else if !checks.is_empty() {
        lines.push(format!(
            "{indent}    proven: {} checks; `-v` lists them",
            checks.len()
        ));
    }
    for inner in inner {
        add(inner, depth + 1, all, lines);
    }
}

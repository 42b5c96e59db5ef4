//! `discover`: what is attached to an image, in every storage form, without verifying any of it.

mod node;
mod walk;

use serde_json::json;

use super::Done;
use crate::arguments::{Discover, Layout};
use crate::context::Context;
use crate::elsewhere::Elsewhere;
use crate::escape::{self, field};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{images, stores};
use node::{Mark, Node};
use walk::Walk;

pub(crate) fn run(arguments: &Discover, context: &mut Context<'_, '_>) -> Result<Done, Failure> {
    let reference = stores::reference(&arguments.image)?;
    let elsewhere = Elsewhere::new(context, &arguments.places)?;
    let settings = stores::settings(context);
    let (store, target) = stores::open(&reference, &settings)?;
    let others = elsewhere
        .places
        .iter()
        .map(|place| Ok(stores::open(place, &settings)?.0))
        .collect::<Result<Vec<_>, Failure>>()?;
    let runtime = context.runtime()?;
    let progress = Progress::spinner("looking", context.terminal);
    let image = runtime.block_on(store.resolve(&target))?;
    let mut walk = Walk::new(
        store.as_ref(),
        &others,
        &elsewhere.tag_prefixes,
        &runtime,
        image.descriptor.digest,
    );
    let mut nodes = walk.below(&image.descriptor.digest, arguments.depth);
    if arguments.platforms.all_platforms || !arguments.platforms.platform.is_empty() {
        nodes.extend(walk.platforms(&image, &arguments.platforms, arguments.depth)?);
    } else {
        nodes.extend(walk.within_index(&image.manifest));
    }
    let (complete, troubles) = walk.end();
    drop(progress);
    // Nothing at all was seen: that is the trouble's own exit code, and no list.
    if let (true, Some(first)) = (nodes.is_empty(), troubles.first()) {
        return Err(first.clone());
    }
    let name = images::pinned(&reference, &image.descriptor.digest);
    match arguments.format {
        Layout::Tree => {
            context.printer.line(&field(&name));
            tree(context, &nodes, "");
        }
        Layout::Table => table(context, &nodes),
    }
    let mut status = ExitStatus::Pass;
    for trouble in &troubles {
        status = status.and(trouble.status);
        context
            .printer
            .warn(&format!("there may be more: {}", trouble.message));
    }
    if !complete && troubles.is_empty() {
        context
            .printer
            .warn("the list was cut at a limit; there is more");
    }
    context
        .printer
        .say(&summary(&field(&name), node::count(&nodes)));
    let requests = store.requests() + others.iter().map(|other| other.requests()).sum::<u64>();
    Ok(Done {
        status,
        result: Some(json!({
            "reference": escape::capped(&arguments.image, escape::FIELD_BYTES),
            "image": name,
            "digest": image.descriptor.digest.to_string(),
            "mediaType": escape::capped(&image.descriptor.media_type, escape::FIELD_BYTES),
            "verified": false,
            "complete": complete && troubles.is_empty(),
            "requests": requests,
            "troubles": troubles.iter().map(Failure::to_json).collect::<Vec<_>>(),
            "artifacts": nodes.iter().map(Node::record).collect::<Vec<_>>(),
        })),
    })
}

fn summary(name: &str, total: usize) -> String {
    match total {
        0 => format!("nothing is attached to {name}"),
        1 => "1 artifact, not verified; `countersign verify` decides what it is worth".to_owned(),
        more => format!(
            "{more} artifacts, none of them verified; `countersign verify` decides what they are worth"
        ),
    }
}

fn tree(context: &mut Context<'_, '_>, nodes: &[Node], indent: &str) {
    for (index, node) in nodes.iter().enumerate() {
        let last = index + 1 == nodes.len();
        let (branch, below) = if last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        context
            .printer
            .line(&format!("{indent}{branch}{}", words(node)));
        tree(context, &node.inner, &format!("{indent}{below}"));
    }
}

fn words(node: &Node) -> String {
    let mut line = format!("{} {}", field(&node.kind), node.digest);
    match (&node.predicate_type, node.kind.as_str()) {
        (Some(predicate), kind) if kind != "signature" => {
            line.push_str(&format!(" {}", field(predicate)))
        }
        (None, "artifact") => line.push_str(&format!(" {}", field(&node.artifact_type))),
        _ => {}
    }
    if let Some(created) = &node.created {
        line.push_str(&format!(", {}", field(created)));
    }
    if node.via.starts_with("tag ") {
        line.push_str(&format!(", {}", field(&node.via)));
    }
    if let Some(place) = &node.place {
        line.push_str(&format!(", in {}", field(place)));
    }
    line.push_str(match node.mark {
        Mark::Signed => " [signed, not verified]",
        Mark::Unsigned => " [unsigned]",
        Mark::Unreadable => " [unreadable]",
        Mark::Image => "",
    });
    if let Some(trouble) = &node.trouble {
        line.push_str(&format!(" [{}]", field(trouble)));
    }
    line
}

fn table(context: &mut Context<'_, '_>, nodes: &[Node]) {
    let mut rows = vec![["KIND", "DIGEST", "TYPE", "SIZE", "MARK", "VIA"].map(str::to_owned)];
    collect(nodes, &mut rows);
    let mut widths = [0_usize; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        let line: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        context.printer.line(line.join("  ").trim_end());
    }
}

fn collect(nodes: &[Node], rows: &mut Vec<[String; 6]>) {
    for node in nodes {
        let what = node
            .predicate_type
            .as_deref()
            .unwrap_or(if node.artifact_type.is_empty() {
                &node.media_type
            } else {
                &node.artifact_type
            });
        rows.push([
            field(&node.kind),
            node.digest.to_string(),
            field(what),
            node.size.to_string(),
            node.mark.code().to_owned(),
            field(&node.via),
        ]);
        collect(&node.inner, rows);
    }
}

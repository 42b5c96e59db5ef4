//! What signing says while it works; beside many others an image keeps quiet.

use crate::context::Context;
use crate::printer::Words;

/// Standard error for those who sign, possibly several at a time.
#[derive(Clone)]
pub(crate) struct Voice {
    words: Words,
    /// Whether somebody watches.
    pub(super) terminal: bool,
    detailed: bool,
}

impl Voice {
    /// The voice of a run about `images` images.
    pub(crate) fn of(context: &Context<'_, '_>, images: usize) -> Self {
        Self {
            words: context.printer.words(),
            terminal: context.terminal,
            detailed: images == 1 || context.printer.verbosity() > 0,
        }
    }

    /// A line whatever the number of images.
    pub(crate) fn say(&self, text: &str) {
        self.words.say(text);
    }

    /// A line about a step of one image.
    pub(crate) fn detail(&self, text: &str) {
        if self.detailed {
            self.words.say(text);
        }
    }
}

//! Whole messages, word for word: what people read when something is wrong.

//! `block`, `rescue`, `always`.

use ftl_core::source::Diagnostic;
use ftl_core::yaml::Node;

use super::arguments::key_text;
use crate::graph::build::{Builder, Frame, Malformed, NewBlock};
use crate::graph::inherit::layer;
use crate::graph::{Entry, Keywords};
use crate::keyword::{Place, keyword};
use crate::options::Problem;

impl Builder<'_> {
    pub(crate) fn block(&mut self, node: &Node, frame: &Frame) -> Result<Vec<Entry>, Problem> {
        if frame.handlers && frame.in_block {
            return Err(Problem::parse(
                Diagnostic::error("Using a block as a handler is not supported.").at(Some(node.origin.clone())),
            ));
        }
        let mut own = Keywords::default();
        let mut name = None;
        for (key, value) in node.as_map().unwrap_or_default() {
            let word = key_text(key);
            let Some(known) = keyword(&word, Place::Block) else {
                self.unknown(&word, Place::Block, &key.origin);
                continue;
            };
            if self.inheritable(&mut own, known, value, node) {
                continue;
            }
            self.check_scalar(known, value, node);
            match &*word {
                "name" => name = Some(value.to_value()).filter(|v| !v.is_none()),
                "vars" => own.vars = layer(&self.vars(value, "Block")),
                _ => {}
            }
        }
        for word in ["rescue", "always"] {
            let written = node.get(word).is_some_and(|n| n.as_seq().is_some_and(|s| !s.is_empty()));
            let body = node.get("block").is_some_and(|n| n.as_seq().is_some_and(|s| !s.is_empty()));
            if written && !body {
                self.report(Problem::parse(
                    Diagnostic::error(format!("'{word}' keyword cannot be used without 'block'"))
                        .at(Some(node.origin.clone())),
                ));
            }
        }
        let new = NewBlock { parent: Some(frame.block), name, origin: Some(node.origin.clone()), implicit: false, own };
        let inner = Frame { in_block: true, ..self.add_block(new, frame) };
        let [body, rescue, always] = [
            ("block", "A malformed block was encountered while loading a block."),
            ("rescue", "A malformed block was encountered while loading rescue."),
            ("always", "A malformed block was encountered while loading always."),
        ]
        .map(|(word, message)| match node.get(word) {
            Some(list) => self.entries(list, &inner, Malformed { message, origin: &node.origin, must_be_list: true }),
            None => Vec::new(),
        });
        if frame.handlers {
            // Handlers have no order of blocks: those of a block are handlers like others.
            return Ok(body);
        }
        self.fill(inner.block, |b| (b.body, b.rescue, b.always) = (body, rescue, always));
        Ok(vec![Entry::Block(inner.block)])
    }
}

//! Words for people, collected in dry runs only.

use alloc::vec::Vec;
use sp_core::RuntimeInterfaceLogLevel;

/// Most bytes that one dry run collects; the rest is dropped silently.
pub const MAX_DEBUG_BUFFER_LEN: u32 = 2 * 1024 * 1024;

/// What a dry run prints. Switched off in every execution that can reach consensus, and never part of a result there.
#[derive(Debug, Default)]
pub struct DebugBuffer {
    text: Option<Vec<u8>>,
}

impl DebugBuffer {
    /// A buffer that collects.
    pub fn collecting() -> Self {
        Self { text: Some(Vec::new()) }
    }

    /// A buffer that drops everything.
    pub fn off() -> Self {
        Self { text: None }
    }

    /// Whether anything is collected.
    pub fn is_on(&self) -> bool {
        self.text.is_some()
    }

    /// Adds text, cut at a character when the buffer is full.
    pub fn append(&mut self, words: &str) {
        let Some(text) = &mut self.text else { return };
        let mut room = (MAX_DEBUG_BUFFER_LEN as usize).saturating_sub(text.len()).min(words.len());
        while !words.is_char_boundary(room) {
            room -= 1;
        }
        text.extend_from_slice(&words.as_bytes()[..room]);
    }

    /// Adds a line of ours, on a line of its own.
    pub fn append_line(&mut self, words: &str) {
        let is_mid_line = self.text.as_ref().and_then(|text| text.last()).is_some_and(|last| *last != b'\n');
        if is_mid_line {
            self.append("\n");
        }
        self.append(words);
        self.append("\n");
    }

    /// Gives the collected text to the node's log, for an answer that has no room for words.
    pub fn log(self) {
        if let Some(text) = self.text {
            sp_io::logging::log(RuntimeInterfaceLogLevel::Debug, "contracts", &text);
        }
    }

    /// The collected text.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.unwrap_or_default()
    }
}

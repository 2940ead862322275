//! Positions on a server without GTIDs: a file and an offset that may pass 4 GiB.

use uuid::Uuid;

use crate::model::position::Position;

/// Where the dump stands. Offsets are cut to 32 bits on the wire, so the high part is counted here.
#[derive(Debug)]
pub(crate) struct FileClock {
    server: Uuid,
    file: String,
    offset: u64,
}

impl FileClock {
    /// Starts at a file position; other positions need no clock.
    pub(crate) fn at(position: &Position) -> Option<Self> {
        match position {
            Position::File { server, file, offset } => {
                Some(Self { server: *server, file: file.clone(), offset: *offset })
            }
            Position::Mysql(_) | Position::MariaDb(_) => None,
        }
    }

    /// Moves to the end of an event, whose low 32 bits are told.
    pub(crate) fn advance(&mut self, log_pos: u32) {
        let high = self.offset & !u64::from(u32::MAX);
        let candidate = high | u64::from(log_pos);
        self.offset = if candidate < self.offset { candidate + (1 << 32) } else { candidate };
    }

    /// Goes on in another file. A fake rotation (the server made it up for this dump) to the same file changes nothing.
    pub(crate) fn rotate(&mut self, file: String, offset: u64, fake: bool) {
        if !fake || self.file != file {
            self.file = file;
            self.offset = offset;
        }
    }

    /// The position here.
    pub(crate) fn position(&self) -> Position {
        Position::File { server: self.server, file: self.file.clone(), offset: self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_pass_four_gib_and_fake_rotations_of_the_same_file_change_nothing() {
        let start =
            Position::File { server: Uuid::nil(), file: "b.1".into(), offset: u64::from(u32::MAX) - 10 };
        let mut clock = FileClock::at(&start).expect("a file position");
        clock.advance(20);
        assert!(clock.position().to_string().ends_with("/b.1/4294967316"));
        clock.rotate("b.1".into(), 4, true);
        assert!(clock.position().to_string().ends_with("/b.1/4294967316"));
        clock.rotate("b.2".into(), 4, true);
        assert!(clock.position().to_string().ends_with("/b.2/4"));
    }
}

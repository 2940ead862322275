//! The body of an answer, parsed while it comes: the tabs of a large spreadsheet are a hundred megabytes of text, and never in
//! memory as such.

use std::io::{self, BufReader, Read};

use bytes::{Buf, Bytes, BytesMut};
use reqwest::Response;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::sheet::client::{parse, transport};
use crate::sheet::error::SheetError;

/// A shorter body is parsed at once, which is faster.
const SHORT: usize = 256 * 1024;

/// So many pieces may wait for the parser: each is what came off the wire at once.
const AHEAD: usize = 16;

/// Reads the answer to its end.
pub(super) async fn parsed<T: DeserializeOwned + Send + 'static>(
    mut answer: Response,
) -> Result<T, SheetError> {
    let mut begin = BytesMut::new();
    while begin.len() < SHORT {
        let Some(piece) = answer.chunk().await.map_err(transport)? else {
            return parse(&begin);
        };
        begin.extend_from_slice(&piece);
    }
    let (sender, pieces) = mpsc::channel(AHEAD);
    let body = Body { piece: begin.freeze(), pieces };
    let parser = tokio::task::spawn_blocking(|| serde_json::from_reader::<_, T>(BufReader::new(body)));
    // A parser that has given up takes no more pieces.
    while let Some(piece) = answer.chunk().await.map_err(transport)? {
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    let value = parser.await.map_err(|error| SheetError::Garbled(error.to_string()))?;
    // Category and place only: serde's message may quote a cell.
    value.map_err(|e| SheetError::Garbled(format!("{:?} error at byte {}", e.classify(), e.column())))
}

/// The pieces as one text, for a thread that may block.
struct Body {
    piece: Bytes,
    pieces: mpsc::Receiver<Bytes>,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn numbers(text: &str) -> Result<Vec<u64>, SheetError> {
        parsed(Response::from(hyper::Response::new(text.to_owned()))).await
    }

    #[tokio::test]
    async fn a_long_answer_is_parsed_to_its_end_and_one_that_is_cut_short_is_garbled() {
        for count in [3, 200_000] {
            let wanted: Vec<u64> = (0..count).collect();
            let text = serde_json::to_string(&wanted).expect("json");
            assert_eq!(numbers(&text).await.ok(), Some(wanted));
            for broken in [&text[..text.len() - 1], &format!("{text}]")] {
                let answer = numbers(broken).await;
                assert!(matches!(answer, Err(SheetError::Garbled(_))), "{count}: {answer:?}");
            }
        }
    }

    #[test]
    fn pieces_are_one_text() {
        let (sender, pieces) = mpsc::channel(AHEAD);
        for piece in ["", "[1", "", "7,", "2]", ""] {
            sender.try_send(Bytes::from_static(piece.as_bytes())).expect("room");
        }
        drop(sender);
        let body = Body { piece: Bytes::new(), pieces };
        assert_eq!(serde_json::from_reader::<_, Vec<u64>>(body).ok(), Some(vec![17, 2]));
    }
}

//! The files of a request, on their way from the client to the subgraph that takes them. Knows no format of either side.
//!
//! A file is not read before somebody takes it, and read no faster than it is taken: the client is what waits. Its place in the variables
//! holds a marker that no value has by chance, which the sender of a subgraph request finds. Whoever forged one would name a file of their own.

use std::sync::{Mutex, PoisonError};

use braid_telemetry::trace::random;
use bytes::Bytes;
use tokio::sync::mpsc;

/// The files of one request, in the order in which they are sent.
#[derive(Debug)]
pub struct Uploads {
    marker: String,
    files: Mutex<Vec<Option<UploadedFile>>>,
}

/// A file that is read as it comes.
pub type UploadedFile = mpsc::Receiver<FilePiece>;

/// Where the pieces of a file are put.
pub type FileSender = mpsc::Sender<FilePiece>;

/// A piece of a file. A file that ends without [`FilePiece::End`] was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilePiece {
    /// What is known of it, before its first byte.
    Head {
        /// Its name.
        name: Option<String>,
        /// Its media type.
        content_type: Option<String>,
    },
    /// Some of its bytes.
    Data(Bytes),
    /// That was all.
    End,
}

/// Why a file can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    /// It is used more than once.
    #[error("a file is used by several requests to subgraphs; send it once for each")]
    Taken,
    /// Files that come before it are used after it. Keeping them would take memory.
    #[error("a file is used before one that is sent before it; send the files in the order in which they are used")]
    Order,
}

/// The pieces that wait to be taken, of each file.
const WAITING: usize = 4;

impl Uploads {
    /// So many files, and where their pieces are to be put.
    pub fn new(count: usize) -> (Self, Vec<FileSender>) {
        let (senders, files) = (0..count).map(|_| mpsc::channel(WAITING)).map(|(to, from)| (to, Some(from))).unzip();
        let marker = format!("file-{:016x}{:016x}-", random(), random());
        (Self { marker, files: Mutex::new(files) }, senders)
    }

    /// What stands for a file in the variables.
    pub fn marker(&self, number: usize) -> String {
        format!("{}{number}", self.marker)
    }

    /// Whether a text has markers in it.
    pub fn are_in(&self, text: &[u8]) -> bool {
        text.windows(self.marker.len()).any(|window| window == self.marker.as_bytes())
    }

    /// The file that a text stands for, if it does.
    pub fn number(&self, text: &str) -> Option<usize> {
        text.strip_prefix(&self.marker)?.parse().ok()
    }

    /// Takes a file.
    pub fn take(&self, number: usize) -> Result<UploadedFile, TakeError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files.iter().take(number).any(Option::is_some) {
            return Err(TakeError::Order);
        }
        files.get_mut(number).and_then(Option::take).ok_or(TakeError::Taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_once_and_in_their_order() {
        let (uploads, _senders) = Uploads::new(3);
        assert_eq!(uploads.take(1).unwrap_err(), TakeError::Order);
        uploads.take(0).unwrap();
        uploads.take(1).unwrap();
        assert_eq!(uploads.take(0).unwrap_err(), TakeError::Taken);
        assert_eq!(uploads.take(3).unwrap_err(), TakeError::Order);
    }

    #[test]
    fn markers_are_found_again() {
        let (uploads, _senders) = Uploads::new(2);
        assert_eq!(uploads.number(&uploads.marker(1)), Some(1));
        assert_eq!(uploads.number("file-1"), None);
        assert!(uploads.are_in(format!("{{\"a\":\"{}\"}}", uploads.marker(0)).as_bytes()));
        assert!(!uploads.are_in(b"{\"a\":\"file-00\"}"));
    }
}

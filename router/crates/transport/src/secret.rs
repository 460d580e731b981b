//! Texts that nobody can guess. Knows not what they are for.

use aws_lc_rs::rand;
use braid_executor::{SubgraphError, SubgraphErrorKind};

/// 128 random bits.
pub(crate) fn secret() -> Result<String, SubgraphError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| SubgraphError {
        kind: SubgraphErrorKind::Transport,
        message: "the system gives no random numbers".to_owned(),
        retryable: false,
    })?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

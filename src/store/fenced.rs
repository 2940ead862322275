//! A transaction that is made only while the lease is ours.
//!
//! Who holds the lease is asked last, and the answer is locked until the transaction is over: what another daemon took over
//! meanwhile is never written upon, and nobody can take over between the answer and the commit.
//!
//! Asked first, the lock would be held as long as the transaction lasts: through the many rows of a large batch, or the wait for
//! a row that somebody's transaction keeps. A renewal of the lease would wait for it, and behind the renewal every other
//! transaction of ours. Asked last it is the last of all locks, too: whoever has it waits for nothing more.

use std::ops::{Deref, DerefMut};

use mysql_async::{Transaction, TxOpts};

use crate::model::mark::Owner;
use crate::store::{Result, lease};

/// A transaction of this daemon. Dropped, it is undone.
#[derive(Debug)]
pub struct Fenced<'a> {
    transaction: Transaction<'a>,
    owner: &'a Owner,
}

impl<'a> Fenced<'a> {
    /// Begins one on a connection of the given pool.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn begin(pool: &mysql_async::Pool, owner: &'a Owner) -> Result<Fenced<'a>> {
        Ok(Self { transaction: pool.start_transaction(TxOpts::default()).await?, owner })
    }

    /// Begins one on this connection.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn begin_on(conn: &'a mut mysql_async::Conn, owner: &'a Owner) -> Result<Fenced<'a>> {
        Ok(Self { transaction: conn.start_transaction(TxOpts::default()).await?, owner })
    }

    /// Makes it certain, if the lease is still ours.
    ///
    /// # Errors
    /// [`crate::store::StoreError::LeaseLost`]: nothing of it was made. Any other error of the commit itself may mean that only
    /// its answer was lost.
    pub async fn commit(mut self) -> Result<()> {
        lease::still_ours(&mut self.transaction, self.owner).await?;
        Ok(self.transaction.commit().await?)
    }

    /// Undoes it.
    ///
    /// # Errors
    /// The server does not answer: then it is undone with the session.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }
}

impl<'a> Deref for Fenced<'a> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Transaction<'a> {
        &self.transaction
    }
}

impl<'a> DerefMut for Fenced<'a> {
    fn deref_mut(&mut self) -> &mut Transaction<'a> {
        &mut self.transaction
    }
}

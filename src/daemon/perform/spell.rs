//! Keys of a tab that nobody knows in this spelling: the server tells which of its records they are.

use mysql_async::Conn;

use crate::daemon::perform::Performer;
use crate::daemon::table::Table;
use crate::database::{self, spelling};
use crate::engine::effect::Spelling;
use crate::engine::input::{Input, ReadNumber, TableIndex};
use crate::model::key::Key;

impl Performer {
    /// Where it cannot be asked the read counts for nothing: it is made again.
    pub(super) async fn spell(&self, number: ReadNumber, keys: &[Spelling]) -> Input {
        match self.spellings(keys).await {
            Ok(keys) => Input::Spelled(number, keys),
            Err(error) => {
                self.log("how the tables spell the keys of the tabs is not known", &error);
                Input::ReadFailed(number)
            }
        }
    }

    async fn spellings(&self, keys: &[Spelling]) -> database::error::Result<Vec<(TableIndex, Key, Key)>> {
        let mut conn = self.pool.get_conn().await?;
        let mut other = Vec::new();
        for (index, table) in self.tables.iter().enumerate() {
            let asked: Vec<&Spelling> = keys.iter().filter(|key| key.table == index).collect();
            let own = spelled(&mut conn, table, &asked).await?;
            other.extend(own.into_iter().map(|(shown, own)| (index, shown, own)));
        }
        Ok(other)
    }
}

/// Each of these keys that is spelled in another way than its record: as it is shown, and as the record has it.
pub(in crate::daemon) async fn spelled(
    conn: &mut Conn,
    table: &Table,
    asked: &[&Spelling],
) -> database::error::Result<Vec<(Key, Key)>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let shown: Vec<Key> = asked.iter().map(|asked| asked.key.clone()).collect();
    let mut own = spelling::own(conn, &table.schema, &shown).await?;
    let lost = |asked: &&&Spelling| !own.iter().any(|(shown, _)| *shown == asked.key);
    let pairs: Vec<(Key, Key)> = asked
        .iter()
        .filter(lost)
        .filter_map(|asked| Some((asked.key.clone(), asked.alike.clone()?)))
        .collect();
    let equal = spelling::equal(conn, &table.schema, &pairs).await?;
    own.extend(pairs.into_iter().zip(equal).filter(|(_, equal)| *equal).map(|(pair, _)| pair));
    own.retain(|(shown, own)| shown != own);
    Ok(own)
}

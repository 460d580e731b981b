//! How often something may be tried, counted in the database for all instances. Knows no account.
//!
//! A try is counted before it is made. The counters have hashes for names, so the table names nobody.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement, Value};
use service::database::Transaction;
use service::{Code, Database, Error, Result, clock};
use uuid::Uuid;

use crate::secret;

/// Something was tried too often.
pub(crate) const TOO_MANY_ATTEMPTS: Code = Code::Own("TOO_MANY_ATTEMPTS");

/// So many tries of something within some time.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    name: String,
    most: i64,
    within: Duration,
}

impl Limit {
    /// Guesses of one password from one place: 10 in a quarter of an hour.
    pub(crate) fn guesses(kind: &str, of: &str) -> Self {
        Self::new(kind, of, 10, Duration::from_secs(15 * 60))
    }

    /// Guesses of one password from everywhere but the owner's devices: 100 in an hour.
    pub(crate) fn from_everywhere(login: &str) -> Self {
        Self::new("everywhere", login, 100, Duration::from_secs(60 * 60))
    }

    /// Guesses of the code of an app: 30 in a day. There are only a million codes, three of which are valid at a time.
    pub(crate) fn codes(kind: &str, user: Uuid) -> Self {
        Self::new("codes", &format!("{kind} {user}"), 30, Duration::from_secs(24 * 60 * 60))
    }

    /// Warnings to a user that somebody has the password: one in a day.
    pub(crate) fn warnings(user: Uuid) -> Self {
        Self::new("warnings", &user.to_string(), 1, Duration::from_secs(24 * 60 * 60))
    }

    fn new(kind: &str, of: &str, most: i64, within: Duration) -> Self {
        let hash = secret::hash(format!("{kind} {of}").as_bytes());
        Self { name: secret::encode(&hash), most, within }
    }
}

/// What one address may try, of everything that has a limit: 200 in a quarter of an hour, because many people may share it.
pub(crate) fn per_address(address: Option<IpAddr>) -> Limit {
    // Without an address there is nothing to count by. The router counts by address, too.
    let most = if address.is_some() { 200 } else { i64::MAX };
    Limit::new("address", &place(address), most, Duration::from_secs(15 * 60))
}

/// Mails to one address because somebody asked for them: 5 in an hour.
pub(crate) fn mails(to: &str) -> Limit {
    Limit::new("mails", to, 5, Duration::from_secs(60 * 60))
}

/// Where a request comes from, as text. One customer of a network has a whole /64 of IPv6 addresses.
pub(crate) fn place(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).to_string(),
    }
}

/// Counts a try towards all of the limits; an error if one of them is reached.
pub(crate) async fn take(database: &Database, limits: &[Limit]) -> Result<()> {
    // In one order, so that two requests do not wait for each other. Those without an end need no counter.
    let mut limits: Vec<Limit> = limits.iter().filter(|limit| limit.most < i64::MAX).cloned().collect();
    limits.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    if limits.is_empty() {
        return Ok(());
    }
    // Whoever goes on in spite of the limit costs a read, not a write.
    let until = match reached(database.reader(), &limits).await? {
        Some(until) => Some(until),
        None => database.write(|tx| count(tx, limits.clone())).await?,
    };
    match until {
        None => Ok(()),
        Some(until) => {
            let minutes = (until - clock::now_millis()).max(0) / 60_000 + 1;
            let message = format!("There were too many attempts. Try again in {minutes} min.");
            Err(Error::new(TOO_MANY_ATTEMPTS, message))
        }
    }
}

/// Counts something in a transaction; false if that reaches the limit.
pub(crate) async fn allows(tx: &Transaction, limit: Limit) -> Result<bool> {
    Ok(count(tx.clone(), vec![limit]).await?.is_none())
}

/// Takes a try back that was right.
pub(crate) async fn give_back(database: &Database, limits: &[Limit]) -> Result<()> {
    give_back_named(database, &names(limits)).await
}

/// The names of limits, as one text: for giving back later what was counted towards them.
pub(crate) fn names(limits: &[Limit]) -> String {
    limits.iter().map(|limit| limit.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Takes a try back that was counted towards the limits with these names.
pub(crate) async fn give_back_named(database: &Database, names: &str) -> Result<()> {
    let mut names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
    names.sort_unstable();
    database
        .write(|tx| {
            let names = names.clone();
            async move {
                for name in names {
                    let sql = "UPDATE attempts SET count = count - 1 WHERE name = $1 AND count > 0";
                    tx.execute_raw(statement(&*tx, sql, [name.into()])).await?;
                }
                Ok(())
            }
        })
        .await
}

/// Removes the counters whose time is over. Returns how many.
pub(crate) async fn forget_expired(database: &impl ConnectionTrait, now: i64) -> Result<u64> {
    let sql = "DELETE FROM attempts WHERE resets_at <= $1";
    Ok(database.execute_raw(statement(database, sql, [now.into()])).await?.rows_affected())
}

/// Until when one of the limits is reached, if one is.
async fn reached(database: &impl ConnectionTrait, limits: &[Limit]) -> Result<Option<i64>> {
    for limit in limits {
        let sql = "SELECT count, resets_at FROM attempts WHERE name = $1 AND resets_at > $2";
        let values = [limit.name.clone().into(), clock::now_millis().into()];
        if let Some(row) = database.query_one_raw(statement(database, sql, values)).await?
            && row.try_get::<i64>("", "count")? >= limit.most
        {
            return Ok(Some(row.try_get("", "resets_at")?));
        }
    }
    Ok(None)
}

/// Counts, and returns until when a limit is exceeded.
async fn count(tx: Transaction, limits: Vec<Limit>) -> Result<Option<i64>> {
    let mut exceeded = None;
    for limit in limits {
        let values = [limit.name.into(), clock::after(limit.within).into(), clock::now_millis().into()];
        if let Some(row) = tx.query_one_raw(statement(&*tx, COUNT, values)).await?
            && row.try_get::<i64>("", "count")? > limit.most
        {
            exceeded = Some(row.try_get("", "resets_at")?);
        }
    }
    Ok(exceeded)
}

fn statement<const N: usize>(database: &impl ConnectionTrait, sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(database.get_database_backend(), sql, values)
}

const COUNT: &str = "INSERT INTO attempts (name, count, resets_at) VALUES ($1, 1, $2) \
     ON CONFLICT (name) DO UPDATE SET \
     count = CASE WHEN attempts.resets_at <= $3 THEN 1 ELSE attempts.count + 1 END, \
     resets_at = CASE WHEN attempts.resets_at <= $3 THEN excluded.resets_at ELSE attempts.resets_at END \
     RETURNING count, resets_at";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_address_or_a_network_of_one_customer() {
        let check = |address: Option<&str>, expected: &str| {
            assert_eq!(place(address.map(|address| address.parse().unwrap())), expected);
        };
        check(None, "unknown");
        check(Some("203.0.113.9"), "203.0.113.9");
        check(Some("::ffff:203.0.113.9"), "203.0.113.9");
        check(Some("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}

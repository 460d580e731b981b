//! A summary as people read it. Knows no log.

use std::fmt::{Display, Formatter, Result};

use super::summary::Summary;

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let logs = &self.logs;
        write!(f, "{} of {}", count(logs.requests, "request"), count(logs.operations as u64, "operation"))?;
        if let (Some(since), Some(until)) = (&logs.since, &logs.until) {
            write!(f, ", from {since} to {until}")?;
        }
        writeln!(f, "; {} with errors", logs.errors)?;
        if logs.unrecorded > 0 {
            let what = "there was no room for the operations of";
            writeln!(f, "The logs are not complete: {what} {}.", count(logs.unrecorded, "more request"))?;
        }
        writeln!(f, "\nUnused fields ({})", self.unused.len())?;
        self.unused.iter().try_for_each(|field| writeln!(f, "  {field}"))?;
        writeln!(f, "\nDeprecated fields in use ({})", self.deprecated.len())?;
        for field in &self.deprecated {
            write!(f, "  {}  {}", field.field, count(field.requests, "request"))?;
            match &field.reason {
                Some(reason) => writeln!(f, "  \"{reason}\"")?,
                None => writeln!(f)?,
            }
            for client in &field.clients {
                let version = client.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
                write!(f, "    {}{version}  {}", client.client, count(client.requests, "request"))?;
                match &client.last_seen {
                    Some(time) => writeln!(f, ", last {time}")?,
                    None => writeln!(f)?,
                }
            }
        }
        writeln!(f, "\nFields by client ({})", self.clients.len())?;
        for client in &self.clients {
            write!(f, "  {}  {}, {} with errors", client.client, count(client.requests, "request"), client.errors)?;
            match client.versions.is_empty() {
                true => writeln!(f)?,
                false => writeln!(f, "; versions {}", client.versions.join(", "))?,
            }
            client.fields.iter().try_for_each(|field| writeln!(f, "    {}  {}", field.field, field.requests))?;
        }
        if !self.unknown.is_empty() {
            writeln!(f, "\nFields that this schema does not have ({})", self.unknown.len())?;
            self.unknown.iter().try_for_each(|field| writeln!(f, "  {field}"))?;
        }
        Ok(())
    }
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

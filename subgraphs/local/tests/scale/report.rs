//! Times as people read them, and what they were spent on by the services' own metrics.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::shop::Shop;

/// The middle one of the values.
pub(crate) fn median<T: Ord + Copy>(values: &[T]) -> T {
    let mut values = values.to_vec();
    values.sort_unstable();
    values[values.len() / 2]
}

/// Such as `1.2 ms`.
pub(crate) fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// The median and how long the slow ones take.
pub(crate) fn percentiles(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |share: f64| ms(took[((took.len() - 1) as f64 * share).round() as usize]);
    format!("{} in all, p50 {}, p95 {}, p99 {}, slowest {}", took.len(), at(0.5), at(0.95), at(0.99), at(1.0))
}

/// What was used so far.
pub(crate) struct Usage {
    numbers: BTreeMap<String, f64>,
    /// Of this process, in seconds.
    cpu: f64,
    /// Of the machine.
    busy: f64,
}

impl Usage {
    pub(crate) async fn now(shop: &Shop) -> Self {
        let numbers = shop.numbers().await;
        // In hundredths of a second, on all machines that Linux knows.
        let own = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let own = own.rsplit(") ").next().unwrap_or_default();
        let all = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let all = all.lines().next().unwrap_or_default();
        let field =
            |text: &str, at: usize| text.split_whitespace().nth(at).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
        let busy = [1, 2, 3, 6, 7].map(|at| field(all, at)).iter().sum::<f64>();
        Self { numbers, cpu: (field(own, 11) + field(own, 12)) / 100.0, busy: busy / 100.0 }
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        let numbers = self.numbers.iter();
        let numbers =
            numbers.map(|(name, now)| (name.clone(), now - before.numbers.get(name).unwrap_or(&0.0))).collect();
        Self { numbers, cpu: self.cpu - before.cpu, busy: self.busy - before.busy }
    }

    /// What an order took of each, on average.
    pub(crate) fn report(&self, orders: usize, elapsed: Duration) -> String {
        let each = |name: &str| {
            self.numbers.get(name).copied().unwrap_or_else(|| panic!("there is no {name}")) / orders as f64
        };
        let mut text = String::from("Of each order, by the services' own metrics:\n");
        for service in crate::databases::SERVICES {
            let histogram = |name: &str| {
                (each(&format!("{service}_{name}_count")), 1000.0 * each(&format!("{service}_{name}_sum")))
            };
            let ((requests, took), (statements, sql)) =
                (histogram("request_seconds"), histogram("sql_statement_seconds"));
            let _ = write!(
                text,
                "  {service:<10} {requests:>5.1} requests {took:>7.2} ms, {statements:>5.1} statements {sql:>7.2} ms"
            );
            let other = match service {
                "users" => Some(("passwords", "password_seconds")),
                "orders" => Some(("calls of inventory", "inventory_seconds")),
                _ => None,
            };
            if let Some((what, name)) = other {
                let (count, took) = histogram(name);
                let _ = write!(text, ", {count:>4.1} {what} {took:>7.2} ms");
            }
            text.push('\n');
        }
        let share = |seconds: f64| 100.0 * seconds / elapsed.as_secs_f64();
        let cpu = 1000.0 * self.cpu / orders as f64;
        let _ = write!(
            text,
            "  CPU: {cpu:.1} ms of router, services and buyers together ({:.0} % of one core); the whole machine was busy for {:.0} %",
            share(self.cpu),
            share(self.busy),
        );
        text
    }
}

//! Values as peers write them, as router.yaml has them. Knows no key.

use serde_json::{Number, Value, json};

use crate::source::{Content, Node};

/// Whether a value is known only when the router starts (`${env.NAME}`).
pub(crate) fn is_replaced(text: &str) -> bool {
    text.contains("${")
}

/// A duration: `1h 30m`, `1.5s`, `10 seconds`.
pub(crate) fn duration(node: &Node) -> Result<Value, String> {
    let text = match &node.content {
        Content::Text(text) if is_replaced(text) => return Ok(Value::String(text.clone())),
        Content::Text(text) => text,
        _ => return Err("it is not a duration".to_owned()),
    };
    let micros = micros(text).ok_or_else(|| format!("\"{text}\" is not a duration"))?;
    Ok(Value::String(written(micros)))
}

/// A number of seconds as a duration.
pub(crate) fn seconds(node: &Node) -> Result<Value, String> {
    match &node.content {
        Content::Number(number) => match number.as_u64() {
            Some(seconds) => Ok(Value::String(written(u128::from(seconds) * 1_000_000))),
            None => Err(format!("{number} is not a number of seconds")),
        },
        _ => duration(node),
    }
}

/// Keys that are fetched from a URL, again after an interval.
pub(crate) fn remote_keys(url: Value, interval: Option<&Node>) -> Value {
    let mut keys = json!({ "url": url });
    if let Some(Ok(poll)) = interval.map(duration) {
        keys["poll_interval"] = poll;
    }
    keys
}

fn written(micros: u128) -> String {
    // Shorter than what can be said is not nothing.
    let millis = if micros == 0 { 0 } else { micros.div_ceil(1000) };
    match millis {
        0 => "0s".to_owned(),
        millis if millis % 3_600_000 == 0 => format!("{}h", millis / 3_600_000),
        millis if millis % 60_000 == 0 => format!("{}m", millis / 60_000),
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

fn micros(text: &str) -> Option<u128> {
    let mut rest = text.trim();
    let mut sum = 0_f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        let after = rest[end..].trim_start();
        let end = after.find(|c: char| !c.is_alphabetic() && c != 'µ').unwrap_or(after.len());
        let factor = match &after[..end] {
            "ns" | "nsec" => 0.001,
            "us" | "µs" | "usec" => 1.0,
            "ms" | "msec" | "millis" => 1e3,
            "s" | "sec" | "secs" | "second" | "seconds" => 1e6,
            "m" | "min" | "mins" | "minute" | "minutes" => 6e7,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3.6e9,
            "d" | "day" | "days" => 8.64e10,
            "w" | "week" | "weeks" => 6.048e11,
            // A bare zero.
            "" if number == 0.0 && after.is_empty() => 0.0,
            _ => return None,
        };
        sum += number * factor;
        rest = after[end..].trim_start();
    }
    (sum.is_finite() && sum < 1e17).then_some(sum.round() as u128)
}

/// A size: `2MB`, `64 kib`, `2000000`.
pub(crate) fn size(node: &Node) -> Result<Value, String> {
    match &node.content {
        Content::Number(number) if number.is_u64() => Ok(Value::Number(number.clone())),
        Content::Text(text) if is_replaced(text) => Ok(Value::String(text.clone())),
        Content::Text(text) => {
            let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
            let (number, unit) = text.split_at(split);
            let unit = match unit.trim().to_ascii_lowercase().as_str() {
                "" | "b" => "B",
                "k" | "kb" => "KB",
                "m" | "mb" => "MB",
                "g" | "gb" => "GB",
                "ki" | "kib" => "KiB",
                "mi" | "mib" => "MiB",
                "gi" | "gib" => "GiB",
                _ => return Err(format!("\"{text}\" is not a size")),
            };
            match number.parse::<f64>() {
                Ok(_) => Ok(Value::String(format!("{number}{unit}"))),
                Err(_) => Err(format!("\"{text}\" is not a size")),
            }
        }
        _ => Err("it is not a size".to_owned()),
    }
}

/// A share: `50` or `50%` of a hundred.
pub(crate) fn percent(node: &Node) -> Result<Value, String> {
    let number = match &node.content {
        Content::Number(number) => number.as_f64(),
        Content::Text(text) if is_replaced(text) => return Err("it is known only when the router starts".to_owned()),
        Content::Text(text) => text.trim().trim_end_matches('%').trim().parse().ok(),
        _ => None,
    };
    let share = number.map(|number| number / 100.0).and_then(Number::from_f64);
    share.map(Value::Number).ok_or_else(|| "it is not a percentage".to_owned())
}

/// `${NAME}` as `${env.NAME}`.
pub(crate) fn environment(text: &str) -> String {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("${");
        let name = part.split('}').next().unwrap_or_default();
        if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            out.push_str("env.");
        }
        out.push_str(part);
    }
    out
}

/// The contrary of a switch.
pub(crate) fn not(node: &Node) -> Result<Value, String> {
    match &node.content {
        Content::Bool(value) => Ok(json!(!value)),
        _ => Err("it is neither true nor false, so its contrary is not known".to_owned()),
    }
}

/// The path in `${file.PATH}`; other texts are paths themselves.
pub(crate) fn file(node: &Node) -> Result<Value, String> {
    let text = node.text().ok_or("it is not a path")?;
    match text.trim().strip_prefix("${file.").and_then(|rest| rest.strip_suffix('}')) {
        Some(path) => Ok(Value::String(path.to_owned())),
        None if text.contains("-----BEGIN") || text.starts_with("${env.") => {
            Err("it is the content of a file; write that to a file, and give its path".to_owned())
        }
        None => Ok(Value::String(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::source::Place;

    #[test]
    fn durations_and_sizes_of_all_peers_can_be_read() {
        let node = |text: &str| Node { place: Place::default(), content: Content::Text(text.to_owned()) };
        let read = |text: &str| duration(&node(text)).map(|value| value.as_str().unwrap_or_default().to_owned());
        for (text, expected) in [
            ("30s", "30s"),
            ("1m30s", "90s"),
            ("1h 30m", "90m"),
            ("1.5s", "1500ms"),
            ("10 seconds", "10s"),
            ("100us", "1ms"),
            ("2 days", "48h"),
            ("0s", "0s"),
            ("0", "0s"),
            ("${env.T:-5s}", "${env.T:-5s}"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for wrong in ["", "soon", "5", "-1s", "1 parsec"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let read = |text: &str| size(&node(text));
        assert_eq!(read("2mb"), Ok(json!("2MB")));
        assert_eq!(read("64 KiB"), Ok(json!("64KiB")));
        assert!(read("many").is_err());
        assert_eq!(percent(&node("50%")), Ok(json!(0.5)));
        assert_eq!(file(&node("${file./etc/a.pem}")), Ok(json!("/etc/a.pem")));
        assert!(file(&node("${env.PEM}")).is_err());
        assert_eq!(environment("a ${B_1} ${env.C} ${} $D ${E"), "a ${env.B_1} ${env.C} ${} $D ${env.E");
    }
}

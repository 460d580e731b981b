//! Values of scalars and enums: by type, and for strings and numbers also by what the name of the field promises. Knows no object.

use serde_json::{Value, json};

use crate::config::Hint;
use crate::seed::Seed;
use crate::words::{
    ADJECTIVES, CITIES, COLORS, COUNTRIES, CURRENCIES, FIRST_NAMES, LANGUAGES, LAST_NAMES, NOUNS, SENTENCES, STREETS,
};

/// The value of a scalar for a field with this name.
pub(crate) fn scalar(scalar: &str, field: &str, seed: Seed) -> Value {
    match scalar {
        "Int" => int(field, seed).into(),
        "Float" => float(field, seed).into(),
        "Boolean" => boolean(field, seed).into(),
        "String" => string(field, seed).into(),
        "ID" => id(field, seed).into(),
        custom => by_name_of_scalar(custom, field, seed),
    }
}

/// The value that a hint gives, if it gives one. `number` chooses among several where it is known.
pub(crate) fn hinted(hint: &Hint, scalar: &str, seed: Seed, number: Option<u64>) -> Option<Value> {
    if let Some(value) = &hint.value {
        return Some(value.clone());
    }
    if !hint.values.is_empty() {
        return match number {
            Some(number) => hint.values.get((number.wrapping_sub(1) % hint.values.len() as u64) as usize).cloned(),
            None => seed.pick(&hint.values).cloned(),
        };
    }
    let [low, high] = hint.range?;
    let is_whole = low.fract() == 0.0 && high.fract() == 0.0;
    if scalar == "Int" || scalar != "Float" && is_whole {
        let (low, high) = (low.ceil() as i64, high.floor() as i64);
        let count = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        let step = number.map_or_else(|| seed.below(count), |number| number.wrapping_sub(1) % count);
        return Some(low.saturating_add(i64::try_from(step).unwrap_or(0)).into());
    }
    Some(cents(low + seed.share() * (high - low)).into())
}

/// Coerces a value that is not quite exact (`10` for a Float), as servers do.
pub(crate) fn coerced(type_name: &str, value: Value) -> Value {
    match (type_name, &value) {
        ("Float", Value::Number(number)) if !number.is_f64() => number.as_f64().map_or(value, Value::from),
        ("Int", Value::Number(number)) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 2e9 => json!(float as i64),
            _ => value,
        },
        ("String" | "ID", Value::Number(number)) => number.to_string().into(),
        ("String" | "ID", Value::Bool(flag)) => flag.to_string().into(),
        _ => value,
    }
}

fn cents(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// The words of a name: `firstName` and `first_name` have the words `first` and `name`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    for c in name.chars() {
        if (c == '_' || c.is_ascii_uppercase()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if c != '_'
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
    }
    words
}

/// Whether a name has one of these words.
struct Named(Vec<String>);

impl Named {
    fn has(&self, any: &[&str]) -> bool {
        self.0.iter().any(|word| any.contains(&word.as_str()))
    }

    fn ends(&self, any: &[&str]) -> bool {
        self.0.last().is_some_and(|word| any.contains(&word.as_str()))
    }
}

fn int(field: &str, seed: Seed) -> i64 {
    let name = Named(words(field));
    let between = |low: i64, high: i64| low + seed.below((high - low + 1) as u64) as i64;
    match () {
        () if name.has(&["stars", "rating", "score", "rank"]) => between(1, 5),
        () if name.has(&["age"]) => between(18, 90),
        () if name.has(&["year"]) => between(1990, 2025),
        () if name.has(&["percent", "percentage", "progress"]) => between(0, 100),
        () if name.has(&["price", "amount", "cost", "total", "balance", "revenue"]) => between(100, 20_000),
        () if name.has(&["width", "height", "length", "weight", "size"]) => between(10, 500),
        () => between(0, 100),
    }
}

fn float(field: &str, seed: Seed) -> f64 {
    let name = Named(words(field));
    let (low, high) = match () {
        () if name.has(&["lat", "latitude"]) => (-60.0, 70.0),
        () if name.has(&["lon", "lng", "longitude"]) => (-180.0, 180.0),
        () if name.has(&["stars", "rating", "score"]) => (1.0, 5.0),
        () if name.has(&["ratio", "share", "probability"]) => (0.0, 1.0),
        () if name.has(&["percent", "percentage"]) => (0.0, 100.0),
        () => (1.0, 200.0),
    };
    cents(low + seed.share() * (high - low))
}

/// Pages that are generated have no further page: what follows a cursor would be the same again.
fn boolean(field: &str, seed: Seed) -> bool {
    let name = Named(words(field));
    !(name.has(&["next", "previous", "more"]) && name.has(&["has"])) && seed.share() < 0.5
}

fn id(field: &str, seed: Seed) -> String {
    let mut name = words(field);
    if name.len() > 1 && name.last().is_some_and(|word| word == "id") {
        name.pop();
    }
    format!("{}-{}", name.join("-"), seed.below(1000))
}

fn pick<'a>(from: &[&'a str], seed: Seed) -> &'a str {
    seed.pick(from).copied().unwrap_or_default()
}

fn person(seed: Seed) -> (&'static str, &'static str) {
    (pick(&FIRST_NAMES, seed.and("first")), pick(&LAST_NAMES, seed.and("last")))
}

fn string(field: &str, seed: Seed) -> String {
    let name = Named(words(field));
    let thing = || format!("{} {}", pick(&ADJECTIVES, seed.and("adjective")), pick(&NOUNS, seed.and("noun")));
    match () {
        () if name.has(&["email", "mail"]) => email(seed),
        () if name.has(&["url", "uri", "href", "link", "image", "avatar", "picture", "photo", "icon", "website"]) => {
            url(field, seed)
        }
        () if name.has(&["phone", "mobile", "fax"]) => format!("+1 555 01{:02}", seed.below(100)),
        () if name.has(&["username", "login", "handle", "nick", "nickname"]) => {
            format!("{}{}", person(seed).0.to_lowercase(), seed.below(100))
        }
        () if name.has(&["first", "given"]) && name.has(&["name"]) => person(seed).0.to_owned(),
        () if name.has(&["last", "family"]) && name.has(&["name"]) || name.has(&["surname"]) => {
            person(seed).1.to_owned()
        }
        () if name.has(&["author", "user", "full", "customer", "contact", "owner"]) => full_name(seed),
        () if name.has(&["country"]) => {
            let (country, code) = seed.pick(&COUNTRIES).copied().unwrap_or_default();
            if name.has(&["code"]) { code } else { country }.to_owned()
        }
        () if name.has(&["city", "town"]) => pick(&CITIES, seed).to_owned(),
        () if name.has(&["street", "address", "line1"]) => {
            format!("{} {}", pick(&STREETS, seed.and("street")), 1 + seed.below(99))
        }
        () if name.has(&["zip", "postcode", "postal"]) => format!("{:05}", 10_000 + seed.below(89_999)),
        () if name.has(&["currency"]) => pick(&CURRENCIES, seed).to_owned(),
        () if name.has(&["color", "colour"]) => pick(&COLORS, seed).to_owned(),
        () if name.has(&["language", "locale", "lang"]) => pick(&LANGUAGES, seed).to_owned(),
        () if name.has(&["cursor", "token", "hash", "checksum"]) => format!("{:016x}", seed.0),
        () if name.has(&["uuid", "guid"]) => uuid(seed.0, seed.and("low").0),
        () if name.has(&["slug"]) => thing().to_lowercase().replace(' ', "-"),
        () if name.ends(&["sku", "code", "upc", "isbn", "number", "reference"]) => {
            format!("{}-{:04}", pick(&NOUNS, seed).to_uppercase(), seed.and("number").below(10_000))
        }
        () if name.ends(&["at", "on", "date", "time", "timestamp", "since", "until"]) => date_time(seed),
        () if name.has(&["amount", "price", "cost"]) => format!("{:.2}", float(field, seed)),
        () if name.has(&["description", "text", "body", "comment", "content", "summary", "message", "bio", "note"]) => {
            format!("{} {}", pick(&SENTENCES, seed.and("one")), pick(&SENTENCES, seed.and("two")))
        }
        () if name.ends(&["id"]) => id(field, seed),
        () if name.has(&["name", "title", "label", "headline"]) => thing(),
        () => format!("{} {}", name.0.join(" "), thing().to_lowercase()),
    }
}

fn full_name(seed: Seed) -> String {
    let (first, last) = person(seed);
    format!("{first} {last}")
}

/// The domain is one that documents may use (RFC 2606).
fn email(seed: Seed) -> String {
    format!("{}{}@example.com", person(seed).0.to_lowercase(), seed.below(100))
}

fn url(field: &str, seed: Seed) -> String {
    format!("https://example.com/{}/{}", words(field).join("-"), seed.below(1000))
}

fn date(seed: Seed) -> String {
    format!(
        "{}-{:02}-{:02}",
        2023 + seed.and("year").below(3),
        1 + seed.and("month").below(12),
        1 + seed.and("day").below(28)
    )
}

fn time(seed: Seed) -> String {
    format!("{:02}:{:02}:{:02}", seed.and("hour").below(24), seed.and("minute").below(60), seed.and("second").below(60))
}

fn date_time(seed: Seed) -> String {
    format!("{}T{}Z", date(seed), time(seed))
}

/// A UUID of version 4 in form.
pub(crate) fn uuid(high: u64, low: u64) -> String {
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0x0fff);
    let (d, e) = (((low >> 48) & 0x3fff) | 0x8000, low & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
}

fn by_name_of_scalar(scalar: &str, field: &str, seed: Seed) -> Value {
    let name = scalar.to_lowercase();
    let has = |any: &[&str]| any.iter().any(|part| name.contains(part));
    match () {
        () if has(&["datetime", "timestamp", "instant"]) => date_time(seed).into(),
        () if name == "date" || name.ends_with("date") => date(seed).into(),
        () if has(&["duration"]) => format!("PT{}M", 1 + seed.below(120)).into(),
        () if name == "time" || name.ends_with("time") => time(seed).into(),
        () if has(&["uuid", "guid"]) => uuid(seed.0, seed.and("low").0).into(),
        () if has(&["url", "uri", "link"]) => url(field, seed).into(),
        () if has(&["email"]) => email(seed).into(),
        () if has(&["json", "object", "map"]) => json!({ "value": string(field, seed) }),
        () if has(&["decimal", "money", "bignum"]) => format!("{:.2}", float(field, seed)).into(),
        () if has(&["float", "double"]) => float(field, seed).into(),
        () if has(&["int", "long", "short"]) => int(field, seed).into(),
        () if has(&["bool"]) => boolean(field, seed).into(),
        () if has(&["color", "colour"]) => format!("#{:06x}", seed.below(1 << 24)).into(),
        () if has(&["currency"]) => pick(&CURRENCIES, seed).into(),
        () if has(&["phone"]) => string("phone", seed).into(),
        () if has(&["countrycode"]) => string("countryCode", seed).into(),
        () if has(&["void"]) => Value::Null,
        () => string(field, seed).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_and_scalars_decide() {
        let text = |scalar_name: &str, field: &str| scalar(scalar_name, field, Seed(5)).to_string();
        assert!(text("String", "email").contains("@example.com"));
        assert!(text("String", "avatarUrl").starts_with("\"https://example.com/"));
        assert!(text("String", "created_at").ends_with("Z\""));
        assert!(text("DateTime", "x").ends_with("Z\""));
        assert_eq!(text("Date", "x").len(), 12);
        assert_eq!(text("UUID", "x").len(), 38);
        assert_eq!(text("Boolean", "hasNextPage"), "false");
        assert!(text("ID", "ownerId").starts_with("\"owner-"));
        assert!(scalar("BigInt", "n", Seed(1)).is_i64());
        for number in 0..50 {
            let stars = scalar("Int", "stars", Seed(0).number(number)).as_i64().unwrap();
            assert!((1..=5).contains(&stars));
        }
    }

    #[test]
    fn hints_give_values() {
        let hint = |yaml: &str| braid_settings::from_yaml::<Hint>(yaml).unwrap();
        let value = |yaml: &str, scalar: &str, number| hinted(&hint(yaml), scalar, Seed(3), number);
        assert_eq!(value("value: 7", "Int", None), Some(json!(7)));
        assert_eq!(value("values: [a, b]", "String", Some(2)), Some(json!("b")));
        assert_eq!(value("values: [a, b]", "String", Some(3)), Some(json!("a")));
        assert_eq!(value("range: [4, 4]", "Int", None), Some(json!(4)));
        assert_eq!(value("nulls: 0.5", "Int", None), None);
        let between = value("range: [0.5, 0.75]", "Float", None).unwrap().as_f64().unwrap();
        assert!((0.5..=0.75).contains(&between));
        // The widest range there is.
        assert!(value("range: [-1.7e308, 1.7e308]", "Int", None).unwrap().is_i64());
    }

    #[test]
    fn values_are_coerced_as_servers_do() {
        assert_eq!(coerced("Float", json!(10)), json!(10.0));
        assert_eq!(coerced("Int", json!(10.0)), json!(10));
        assert_eq!(coerced("ID", json!(10)), json!("10"));
        assert_eq!(coerced("Any", json!({ "a": 1 })), json!({ "a": 1 }));
    }
}

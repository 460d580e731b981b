//! Names near to one that is unknown: "Did you mean". Knows nothing of where names come from, so callers pass only those that
//! may be shown. The time is bounded, however long or many the names are.

/// A longer name is not mistyped but another one.
const MAX_LENGTH: usize = 64;
/// The most names, of those of a similar length, that are compared.
const MAX_COMPARED: usize = 5_000;
/// The most names that are suggested.
const MAX_SUGGESTED: usize = 3;

/// The known names nearest to a mistyped one, the nearest first.
pub fn suggestions<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if given.len() > MAX_LENGTH {
        return Vec::new();
    }
    let limit = given.chars().count() * 2 / 5 + 1;
    let lower = given.to_lowercase();
    let compared = |name: &'a str| {
        let distance = edit_distance(&lower, &name.to_lowercase());
        (distance <= limit).then_some((distance, name))
    };
    let similar = known.into_iter().filter(|name| name.len().abs_diff(given.len()) <= limit).take(MAX_COMPARED);
    let mut near: Vec<(usize, &str)> = similar.filter_map(compared).collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(MAX_SUGGESTED).map(|(_, name)| name).collect()
}

/// ` Did you mean "x"?`, or nothing.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = suggestions(given, known).iter().map(|name| format!("\"{name}\"")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => format!(" Did you mean {last}?"),
        Some((last, rest)) => format!(" Did you mean {} or {last}?", rest.join(", ")),
    }
}

/// How many characters must be inserted, removed or replaced.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_suggested() {
        let known = ["price", "prices", "name", "id", "products"];
        assert_eq!(did_you_mean("pirce", known), " Did you mean \"price\" or \"prices\"?");
        assert_eq!(did_you_mean("NAME", known), " Did you mean \"name\"?");
        assert_eq!(did_you_mean("warehouse", known), "");
        assert_eq!(did_you_mean(&"price".repeat(1_000_000), known), "");
    }
}

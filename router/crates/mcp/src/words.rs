//! Names and descriptions as words. Knows no schema.

/// The words of a text in their order: lower case, without endings that say nothing. Names are split where their case changes.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    parts(text).map(|word| stem(&word.to_lowercase()).to_owned()).filter(|word| !STOP_WORDS.contains(&word.as_str()))
}

/// Words that occur in any sentence.
const STOP_WORDS: [&str; 36] = [
    "a", "an", "the", "of", "to", "in", "on", "for", "and", "or", "is", "are", "it", "by", "with", "that", "which",
    "what", "how", "be", "do", "i", "who", "when", "where", "will", "can", "was", "were", "at", "from", "as", "my",
    "find", "there", "does",
];

/// The pieces of a text, split at what is neither letter nor digit, and where the case of names changes.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).flat_map(|piece| {
        let mut starts = vec![0];
        let letters: Vec<(usize, char)> = piece.char_indices().collect();
        for at in 1..letters.len() {
            let (before, (start, here)) = (letters[at - 1].1, letters[at]);
            let after = letters.get(at + 1).map(|(_, letter)| *letter);
            let is_start = here.is_uppercase()
                && (before.is_lowercase() || before.is_numeric() || after.is_some_and(char::is_lowercase));
            if is_start {
                starts.push(start);
            }
        }
        starts.push(piece.len());
        let pieces: Vec<&str> = starts.windows(2).map(|pair| &piece[pair[0]..pair[1]]).collect();
        pieces.into_iter().filter(|piece| !piece.is_empty())
    })
}

/// A word without the endings of plurals.
fn stem(word: &str) -> &str {
    match word.len() {
        0..=3 => word,
        _ if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") => word,
        _ if word.ends_with("ies") => &word[..word.len() - 3],
        _ if word.ends_with("sses") || word.ends_with("xes") || word.ends_with("ches") => &word[..word.len() - 2],
        _ => word.strip_suffix('s').or_else(|| word.strip_suffix('y')).unwrap_or(word),
    }
}

/// The words of a name as a title: `MyOrders` is "My orders".
pub(crate) fn title(name: &str) -> String {
    let mut title = String::new();
    for (at, part) in parts(name).enumerate() {
        if at > 0 {
            title.push(' ');
        }
        let is_abbreviation = part.len() > 1 && part.chars().all(char::is_uppercase);
        match at {
            _ if is_abbreviation => title.push_str(part),
            0 => {
                let mut letters = part.chars();
                title.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                title.push_str(letters.as_str());
            }
            _ => title.push_str(&part.to_lowercase()),
        }
    }
    title
}

/// The first sentence of a description, in one line, of at most so many characters.
pub(crate) fn summary(description: &str, most: usize) -> String {
    let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    shortened(&line[..end], most)
}

/// A text with at most so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// Whether a name is one of a pattern, in which `*` stands for any text.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sentences_are_words() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text}");
        check("unitsSold", &["unit", "sold"]);
        check("shippingEstimateURL", &["shipping", "estimate", "url"]);
        check("HTTPServer2Go", &["http", "server2", "go"]);
        check("What is the price of a product?", &["price", "product"]);
        check("categories Category", &["categor", "categor"]);
        check("addresses address status", &["address", "address", "status"]);
        check("größe STRASSE", &["größe", "strasse"]);
        check("__ , .", &[]);
    }

    #[test]
    fn titles_and_summaries_are_short() {
        assert_eq!(title("MyOrders"), "My orders");
        assert_eq!(title("order_history"), "Order history");
        assert_eq!(title("productURL"), "Product URL");
        assert_eq!(summary("What it is.  And\nmore.", 80), "What it is.");
        assert_eq!(summary("Äpfel und Birnen", 5), "Äpfel…");
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, name, expected) in [
            ("MyOrders", "MyOrders", true),
            ("MyOrders", "MyOrders2", false),
            ("My*", "MyOrders", true),
            ("*Orders", "MyOrders", true),
            ("M*d*s", "MyOrders", true),
            ("M*x*s", "MyOrders", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}

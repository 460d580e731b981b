//! Words that generated texts are made of. Changing a list changes generated values.

pub(crate) const FIRST_NAMES: [&str; 20] = [
    "Ada",
    "Alan",
    "Barbara",
    "Chidi",
    "Dana",
    "Edsger",
    "Fatima",
    "Grace",
    "Hedy",
    "Ines",
    "Jonas",
    "Katherine",
    "Linus",
    "Mei",
    "Nadia",
    "Omar",
    "Priya",
    "Rosa",
    "Sven",
    "Yuki",
];

pub(crate) const LAST_NAMES: [&str; 20] = [
    "Adeyemi", "Bauer", "Costa", "Dijkstra", "Eriksson", "Fischer", "García", "Hopper", "Ivanova", "Johnson",
    "Kowalski", "Lovelace", "Moreau", "Nguyen", "Okafor", "Patel", "Rossi", "Schmidt", "Tanaka", "Yilmaz",
];

pub(crate) const ADJECTIVES: [&str; 16] = [
    "Blue", "Bright", "Compact", "Folding", "Green", "Heavy", "Light", "Modern", "Narrow", "Plain", "Quiet", "Red",
    "Round", "Small", "Sturdy", "Wooden",
];

pub(crate) const NOUNS: [&str; 16] = [
    "basket", "bench", "bottle", "chair", "clock", "cup", "desk", "drawer", "kettle", "lamp", "mirror", "mug", "shelf",
    "stool", "table", "tray",
];

pub(crate) const SENTENCES: [&str; 12] = [
    "It arrived on time and in one piece.",
    "A little smaller than expected, but well made.",
    "We have had it for a year and use it every day.",
    "The colour is not quite that of the picture.",
    "Easy to clean and easy to put away.",
    "Made of oak, with a finish of natural oil.",
    "The manual could be better.",
    "It does what it should, and nothing else.",
    "Would buy it again.",
    "Comes with everything that you need.",
    "Too heavy to carry up the stairs alone.",
    "A present that everybody liked.",
];

pub(crate) const CITIES: [&str; 12] =
    ["Accra", "Berlin", "Bogotá", "Chennai", "Dublin", "Hanoi", "Kyoto", "Lisbon", "Oslo", "Porto", "Toronto", "Tunis"];

/// Names of countries, with their codes.
pub(crate) const COUNTRIES: [(&str, &str); 10] = [
    ("Canada", "CA"),
    ("Colombia", "CO"),
    ("Germany", "DE"),
    ("Ghana", "GH"),
    ("India", "IN"),
    ("Ireland", "IE"),
    ("Japan", "JP"),
    ("Norway", "NO"),
    ("Portugal", "PT"),
    ("Vietnam", "VN"),
];

pub(crate) const STREETS: [&str; 8] = [
    "Bridge Street",
    "Church Road",
    "Garden Lane",
    "High Street",
    "Market Square",
    "Mill Road",
    "Park Avenue",
    "Station Road",
];

pub(crate) const CURRENCIES: [&str; 5] = ["CAD", "EUR", "GBP", "JPY", "USD"];

pub(crate) const COLORS: [&str; 8] = ["black", "blue", "green", "orange", "red", "violet", "white", "yellow"];

pub(crate) const LANGUAGES: [&str; 6] = ["de", "en", "fr", "ja", "pt", "sv"];

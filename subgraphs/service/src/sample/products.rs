//! The products of the sample data: what a shop for home and outdoors might sell. Knows no stock.

use uuid::Uuid;

use crate::graphql::Money;
use crate::graphql::money::Currency;

use super::id;

/// A product of the sample data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleProduct {
    /// The id, the same on every machine.
    pub id: Uuid,
    /// The stock-keeping unit, such as `KIT-0103`.
    pub sku: String,
    /// The name, with its variant.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// The category, such as `Kitchen`.
    pub category: &'static str,
    /// The price.
    pub price: Money,
    /// The cost to the shop.
    pub cost: Money,
    /// What it weighs.
    pub weight_grams: i32,
}

/// The products, by category, by item, by variant.
pub fn products() -> Vec<SampleProduct> {
    CATEGORIES.iter().flat_map(in_category).collect()
}

fn in_category(category: &'static Category) -> impl Iterator<Item = SampleProduct> {
    category.items.iter().enumerate().flat_map(move |(item_index, item)| {
        let variants = category.variants.iter().enumerate();
        variants.map(move |(index, variant)| product(category, item, variant, item_index + 1, index + 1))
    })
}

fn product(category: &Category, item: &Item, variant: &Variant, item_no: usize, variant_no: usize) -> SampleProduct {
    let sku = format!("{}-{item_no:02}{variant_no:02}", category.code);
    let price = item.cents * i64::from(variant.percent) / 100;
    // Shops like prices that end in 9.
    let price = price - price % 10 + 9;
    SampleProduct {
        id: id("product", &sku),
        name: format!("{}, {}", item.name, variant.name),
        description: format!("{} In {}.", item.about, variant.name),
        category: category.name,
        price: Money::new(price, Currency::EUR),
        cost: Money::new(price * 11 / 20, Currency::EUR),
        weight_grams: item.grams * variant.percent / 100,
        sku,
    }
}

struct Category {
    name: &'static str,
    code: &'static str,
    variants: &'static [Variant],
    items: &'static [Item],
}

struct Item {
    name: &'static str,
    about: &'static str,
    cents: i64,
    grams: i32,
}

/// A variant; it makes the item dearer and heavier by so many per cent.
struct Variant {
    name: &'static str,
    percent: i32,
}

const fn item(name: &'static str, about: &'static str, cents: i64, grams: i32) -> Item {
    Item { name, about, cents, grams }
}

const fn variant(name: &'static str, percent: i32) -> Variant {
    Variant { name, percent }
}

const COLOURS: &[Variant] =
    &[variant("graphite", 100), variant("moss green", 100), variant("brick red", 100), variant("sand", 100)];
const WOODS: &[Variant] = &[variant("oak", 110), variant("walnut", 130), variant("ash", 100), variant("bamboo", 85)];
const SIZES: &[Variant] =
    &[variant("small", 80), variant("medium", 100), variant("large", 125), variant("extra large", 150)];
const PACKS: &[Variant] =
    &[variant("a bag of 250 g", 100), variant("a bag of 500 g", 185), variant("a tin of 1 kg", 350)];

const CATEGORIES: &[Category] = &[
    Category {
        name: "Kitchen",
        code: "KIT",
        variants: COLOURS,
        items: &[
            item("Enamel kettle", "Boils two litres and whistles.", 3990, 1150),
            item("Cast-iron pot", "Holds heat for hours; fits any stove.", 8990, 4800),
            item("Mixing bowl", "Stoneware with a pouring lip.", 1890, 1320),
            item("Pepper mill", "A ceramic grinder that does not wear.", 2490, 410),
            item("Coffee dripper", "For one or two cups.", 1690, 380),
            item("Bread bin", "Keeps a loaf for a week.", 4590, 2100),
            item("Utensil set", "Five tools that leave no scratches.", 2790, 640),
        ],
    },
    Category {
        name: "Furniture",
        code: "FUR",
        variants: WOODS,
        items: &[
            item("Dining chair", "Steam-bent back, woven seat.", 12900, 5200),
            item("Side table", "Takes a lamp and a pile of books.", 8900, 4300),
            item("Bookshelf", "Five boards, no screws in sight.", 21900, 23500),
            item("Desk", "A drawer for pens, a channel for cables.", 34900, 31000),
            item("Bed frame", "For mattresses of 160 by 200.", 45900, 42000),
            item("Coat rack", "Eight pegs and a hat shelf.", 6900, 3900),
            item("Step stool", "Folds flat, carries 150 kg.", 5400, 3100),
        ],
    },
    Category {
        name: "Lighting",
        code: "LIG",
        variants: COLOURS,
        items: &[
            item("Desk lamp", "Jointed arm, warm to cold light.", 6490, 1850),
            item("Pendant lamp", "Spun aluminium on three metres of cloth cable.", 8490, 1400),
            item("Floor lamp", "Stands by itself on a stone foot.", 13990, 7600),
            item("Night light", "Wakes at a touch, fades by itself.", 1990, 260),
            item("Garden lantern", "Charges in the sun, lasts the evening.", 3490, 980),
            item("Clip light", "Grips shelves of up to four centimetres.", 2290, 430),
        ],
    },
    Category {
        name: "Textiles",
        code: "TEX",
        variants: COLOURS,
        items: &[
            item("Wool blanket", "Woven from new wool, 140 by 200.", 9990, 1450),
            item("Linen sheet", "Washed soft, 150 by 250.", 7490, 980),
            item("Bath towel", "Heavy cotton terry.", 2490, 650),
            item("Cushion cover", "Hidden zip, 50 by 50.", 1790, 240),
            item("Door mat", "Coconut fibre on rubber.", 2190, 1900),
            item("Apron", "Waxed cotton with deep pockets.", 3290, 420),
            item("Table runner", "Stonewashed linen, two metres.", 2690, 310),
        ],
    },
    Category {
        name: "Clothing",
        code: "CLO",
        variants: SIZES,
        items: &[
            item("Rain jacket", "Taped seams, packs into its pocket.", 11900, 480),
            item("Merino jumper", "Fine knit, warm when wet.", 8900, 360),
            item("Work trousers", "Double knees, eight pockets.", 7900, 720),
            item("Flannel shirt", "Brushed on both sides.", 5400, 340),
            item("Wool socks", "Two pairs with a padded sole.", 1900, 150),
            item("Down vest", "Light as a shirt, warm as a coat.", 12900, 390),
            item("Sun hat", "A wide brim that keeps its shape.", 3400, 120),
        ],
    },
    Category {
        name: "Camping",
        code: "CAM",
        variants: COLOURS,
        items: &[
            item("Two-person tent", "Stands in four minutes, holds in a storm.", 24900, 2700),
            item("Sleeping bag", "Comfortable down to two degrees.", 15900, 1350),
            item("Camp stove", "Boils a litre in three minutes.", 7990, 390),
            item("Sleeping mat", "Blows up in ten breaths.", 8990, 520),
            item("Water filter", "A thousand litres from any stream.", 4490, 180),
            item("Head torch", "Two hundred lumens, forty hours.", 3990, 90),
            item("Dry bag", "Rolls shut; floats.", 1990, 210),
        ],
    },
    Category {
        name: "Cycling",
        code: "CYC",
        variants: SIZES,
        items: &[
            item("Helmet", "Light, aired, with a lamp behind.", 6990, 310),
            item("Pannier bag", "Clicks on, keeps dry.", 7490, 950),
            item("Floor pump", "A gauge that can be read.", 3990, 1600),
            item("Rain cape", "Covers rider and handlebar.", 4990, 430),
            item("Touring saddle", "Leather that learns its rider.", 9490, 620),
            item("Cycling gloves", "Gel palms, towel thumbs.", 2490, 80),
        ],
    },
    Category {
        name: "Garden",
        code: "GAR",
        variants: SIZES,
        items: &[
            item("Watering can", "Galvanised, with a brass rose.", 3290, 1700),
            item("Garden spade", "Forged head, ash handle.", 4890, 2200),
            item("Plant pot", "Terracotta that stands frost.", 1490, 2600),
            item("Raised bed", "Larch boards, no treatment.", 11900, 18500),
            item("Bird house", "With a door for cleaning.", 2690, 1300),
            item("Compost bin", "Turns kitchen scraps to soil in a season.", 7990, 8200),
            item("Pruning shears", "Blades that can be changed.", 3690, 240),
        ],
    },
    Category {
        name: "Tools",
        code: "TOO",
        variants: SIZES,
        items: &[
            item("Claw hammer", "Balanced, with a hickory handle.", 2890, 720),
            item("Hand plane", "Iron sole, steel that keeps its edge.", 8990, 1900),
            item("Japanese saw", "Cuts on the pull.", 3990, 340),
            item("Tool box", "Three levels, folded steel.", 5990, 4400),
            item("Spirit level", "Two vials, milled edge.", 2990, 650),
            item("Screwdriver set", "Eight blades, one rack.", 4490, 980),
        ],
    },
    Category {
        name: "Stationery",
        code: "STA",
        variants: COLOURS,
        items: &[
            item("Notebook", "Dotted paper that takes ink.", 1290, 310),
            item("Fountain pen", "A steel nib, two cartridges.", 3490, 45),
            item("Pencil case", "Felted wool, one zip.", 1690, 70),
            item("Desk organiser", "Five compartments of folded steel.", 2890, 1100),
            item("Letter tray", "Stacks without tools.", 1990, 900),
            item("Photo album", "Sixty pages between linen boards.", 3290, 1250),
        ],
    },
    Category {
        name: "Toys",
        code: "TOY",
        variants: WOODS,
        items: &[
            item("Building blocks", "A hundred pieces in a cotton bag.", 3990, 2900),
            item("Train set", "Two metres of track and a bridge.", 5490, 2300),
            item("Balance board", "For small feet and large imagination.", 9990, 4200),
            item("Marble run", "Twenty-four parts, endless courses.", 6490, 1900),
            item("Puzzle cube", "Six colours, one afternoon.", 1990, 220),
            item("Chess set", "Weighted pieces in a folding board.", 4490, 1800),
        ],
    },
    Category {
        name: "Pantry",
        code: "PAN",
        variants: PACKS,
        items: &[
            item("Espresso beans", "Dark roast from two farms.", 890, 265),
            item("Filter coffee", "Light roast, washed.", 990, 265),
            item("Green tea", "Steamed leaves of the first harvest.", 1290, 265),
            item("Rolled oats", "Whole grain, nothing else.", 290, 260),
            item("Red lentils", "Cook in twelve minutes.", 390, 260),
            item("Cocoa powder", "Strong, unsweetened.", 790, 265),
            item("Mountain honey", "Cold-spun, from one valley.", 1190, 280),
            item("Sea salt", "Raked by hand.", 490, 260),
        ],
    },
];

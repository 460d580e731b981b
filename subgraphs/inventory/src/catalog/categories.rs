//! Categories: a tree. Knows no GraphQL.

use std::collections::HashMap;

use sea_orm::sea_query::{Alias, CommonTableExpression, Expr, ExprTrait, Query, SelectStatement, UnionType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryOrder, QuerySelect,
};
use service::database::{Transaction, is_duplicate};
use service::{Error, Result};
use uuid::Uuid;

use super::{rules, search};
use crate::changes;
use crate::entity::category;

/// The changes of a category. Fields that are `None` keep their value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) slug: Option<String>,
    /// `Some(None)` moves it to the top of the tree.
    pub(crate) parent: Option<Option<Uuid>>,
}

/// Creates a category; its slug must be new.
pub(crate) async fn create(tx: Transaction, new: &category::Model) -> Result<category::Model> {
    check(new)?;
    let tree = lock_tree(&tx).await?;
    check_place(&tree, new)?;
    let row = new.clone().into_active_model();
    category::Entity::insert(row).exec_without_returning(&*tx).await.map_err(|error| taken(error, &new.slug))?;
    changes::category(&tx, new.id).await?;
    Ok(new.clone())
}

/// Changes a category, and where its products are found.
pub(crate) async fn update(tx: Transaction, id: Uuid, changes: &Changes) -> Result<category::Model> {
    let tree = lock_tree(&tx).await?;
    let before =
        tree.get(&id).ok_or_else(|| Error::not_found("There is no category with this id.").at(["input", "id"]))?;
    let after = category::Model {
        name: changes.name.clone().unwrap_or_else(|| before.name.clone()),
        slug: changes.slug.clone().unwrap_or_else(|| before.slug.clone()),
        parent_id: changes.parent.unwrap_or(before.parent_id),
        ..before.clone()
    };
    check(&after)?;
    check_place(&tree, &after)?;
    let row = after.clone().into_active_model().reset_all();
    let after = row.update(&*tx).await.map_err(|error| taken(error, &after.slug))?;
    if after.name != before.name {
        search::rename_category(&tx, id, &after.name).await?;
    }
    changes::category(&tx, id).await?;
    Ok(after)
}

/// The category of a product that is written. Locked, so that it is not renamed until that is done.
pub(super) async fn lock_shared(tx: &DatabaseTransaction, id: Uuid) -> Result<category::Model> {
    let found = category::Entity::find_by_id(id).lock_shared().one(tx).await?;
    found.ok_or_else(|| Error::not_found("There is no category with this id.").at(["input", "categoryId"]))
}

/// The ids of a category and of all below it; none if there is no such category.
///
/// They are read first instead of being a part of the statement that needs them: so the database knows how many products it will
/// find, and which index is best.
pub(crate) async fn with_descendants(database: &impl ConnectionTrait, root: Root<'_>) -> Result<Vec<Uuid>> {
    let rows = database.query_all(&tree_from(root)).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, DbErr>>()?)
}

/// The category at the top of a part of the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Root<'a> {
    /// By its id.
    Id(Uuid),
    /// By its slug.
    Slug(&'a str),
}

fn tree_from(root: Root<'_>) -> SelectStatement {
    let (below, id) = (Alias::new("below"), Alias::new("id"));
    let top = match root {
        Root::Id(id) => category::Column::Id.eq(id),
        Root::Slug(slug) => category::Column::Slug.eq(slug),
    };
    let parent = Expr::col((category::Entity, category::Column::ParentId)).equals((below.clone(), id.clone()));
    let children = Query::select()
        .column((category::Entity, category::Column::Id))
        .from(category::Entity)
        .inner_join(below.clone(), parent)
        .take();
    // Distinct, so that it ends even if the tree had a circle.
    let all = Query::select()
        .column(category::Column::Id)
        .from(category::Entity)
        .and_where(top)
        .union(UnionType::Distinct, children)
        .take();
    let tree = CommonTableExpression::new().query(all).column(id.clone()).table_name(below.clone()).to_owned();
    Query::select().column(id).from(below).with_cte(Query::with().recursive(true).cte(tree).to_owned()).take()
}

/// All categories, locked: two that move at the same time could each become the parent of the other.
async fn lock_tree(tx: &DatabaseTransaction) -> Result<HashMap<Uuid, category::Model>> {
    let all = category::Entity::find().order_by_asc(category::Column::Id).lock_exclusive().all(tx).await?;
    Ok(all.into_iter().map(|row| (row.id, row)).collect())
}

fn check(row: &category::Model) -> Result<()> {
    rules::text("name", &row.name, 1, 60)?;
    let slug_letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if row.slug.is_empty() || row.slug.len() > 60 || !row.slug.chars().all(slug_letters) {
        let message = "`slug` must have 1 to 60 lower-case letters, digits and hyphens, such as `garden-tools`.";
        return Err(Error::bad_input(message).at(["input", "slug"]));
    }
    Ok(())
}

/// An error if the category has no place where it is to be: below itself, too deep, or too many.
fn check_place(tree: &HashMap<Uuid, category::Model>, row: &category::Model) -> Result<()> {
    let wrong = |error: Error| Err(error.at(["input", "parentId"]));
    if !tree.contains_key(&row.id) && tree.len() >= MAX_CATEGORIES {
        return wrong(Error::conflict(format!("There can be at most {MAX_CATEGORIES} categories.")));
    }
    let siblings = tree.values().filter(|other| other.parent_id == row.parent_id && other.id != row.id);
    if siblings.count() >= MAX_CHILDREN {
        return wrong(Error::conflict(format!("A category can have at most {MAX_CHILDREN} below it.")));
    }
    let (mut above, mut levels) = (row.parent_id, height(tree, row.id, 0));
    while let Some(id) = above {
        let Some(parent) = tree.get(&id) else {
            return wrong(Error::not_found("There is no category with this id."));
        };
        if id == row.id {
            return wrong(Error::bad_input("A category can't be below itself."));
        }
        (above, levels) = (parent.parent_id, levels + 1);
        if levels > MAX_LEVELS {
            return wrong(Error::bad_input(format!("Categories can have at most {MAX_LEVELS} levels.")));
        }
    }
    Ok(())
}

/// How many levels a category has with those below it.
fn height(tree: &HashMap<Uuid, category::Model>, id: Uuid, depth: usize) -> usize {
    if depth >= MAX_LEVELS {
        return 1;
    }
    let below = tree.values().filter(|row| row.parent_id == Some(id));
    1 + below.map(|row| height(tree, row.id, depth + 1)).max().unwrap_or(0)
}

fn taken(error: DbErr, slug: &str) -> Error {
    if is_duplicate(&error) {
        Error::conflict(format!("There is already a category with the slug `{slug}`.")).at(["input", "slug"])
    } else {
        error.into()
    }
}

const MAX_LEVELS: usize = 6;
const MAX_CHILDREN: usize = 200;
const MAX_CATEGORIES: usize = 5000;
